/** A device whose chain forked, told with Alice, Bob, Carol and a Mallory who signs twice: whoever hears which branch first, all decide alike. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import type { DeviceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { MAX_BRANCHES, RENEW_AFTER_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import { home, signMessage, signMessages, signRule, unsigned, view, whisper } from './sync/mallory.test-support.ts'

const twin = (mallory: Replica, at: number, name: string): Promise<Op> => signRule(mallory, 'profile', encodeAuthorityBody({ type: 'profile', name }), at)

test('S10 a forked chain of authority comes to everyone with both branches, and its device is frozen for all alike', async () => {
  for (const told of ['together', 'first', 'last']) {
    const h = await home()
    const { mallory, space } = h
    const lie = await twin(mallory.space(space), h.room.now, 'Alice')
    const truth = await twin(mallory.space(space), h.room.now, 'Mal')
    h.room.leaves(mallory)
    if (told !== 'last') whisper(mallory, h.carol, space, [lie])
    if (told === 'first') await h.room.pass(10)
    whisper(mallory, h.bob, space, [truth])
    if (told === 'last') { await h.room.pass(10); whisper(mallory, h.carol, space, [lie]) }
    await h.room.pass(70_000)
    const honest = [h.alice, h.bob, h.carol]
    for (const person of honest) {
      expect(view(person, space)).toEqual(view(h.alice, space))
      expect(person.space(space).authority.equivocations).toEqual([mallory.space(space).me.device])
      expect(person.space(space).log.authority.has(lie.id)).toBe(true)
      expect(person.space(space).authority.verdict(lie.id)).toMatchObject({ type: 'void', reason: { code: 'forked' } })
    }
    expect([...h.alice.space(space).log.authority.values()].filter((op) => op.header.type === 'forkProof')).toHaveLength(1)
    await h.bob.restart()
    await h.room.pass(1000)
    expect(view(h.bob, space)).toEqual(view(h.alice, space))
  }
})

test('S10 a fork in what was said is proved by whoever holds both, wherever in the chain it lies', async () => {
  const h = await home()
  const { mallory, space, channel } = h
  const lie = await signMessage(mallory.space(space), channel, 'I never said that', h.room.now)
  for (const text of ['One', 'Two', 'Three']) await h.room.ask(mallory, { type: 'send-message', space, channel, text })
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [lie])
  await h.room.pass(70_000)
  for (const person of [h.alice, h.bob, h.carol]) {
    const replica = person.space(space)
    expect(view(person, space)).toEqual(view(h.alice, space))
    expect(replica.authority.equivocations).toEqual([lie.header.device])
    expect(replica.authority.contentVerdict(lie.header)).toMatchObject({ type: 'void', reason: { code: 'forked' } })
    expect(replica.log.tipsOf(channel, lie.header.device).map((tip) => tip.chanSeq).sort()).toEqual([1, 3])
  }
})

test('S10 one number used in two channels is a fork too', async () => {
  const h = await home()
  const { mallory, space, channel } = h
  const lie = await signMessage(mallory.space(space), channel, 'Said under a number that my rename has', h.room.now)
  await h.room.ask(mallory, { type: 'set-name', name: 'Mal' })
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [lie])
  await h.room.pass(70_000)
  for (const person of [h.alice, h.bob, h.carol]) {
    expect(person.space(space).authority.equivocations).toEqual([lie.header.device])
    expect(view(person, space)).toEqual(view(h.alice, space))
  }
})

test('A26 whoever was removed says nothing more under numbers of before', async () => {
  const h = await home()
  const { room, alice, mallory, space, channel } = h
  const other = (await room.ask(alice, { type: 'create-channel', space, name: 'other' })).channel
  await room.pass(2000)
  for (const text of ['One', 'Two', 'Three']) await room.ask(mallory, { type: 'send-message', space, channel, text })
  await room.pass(2000)
  const { log, authority, me } = mallory.space(space), seq = log.deviceHeads.get(me.device)?.seq ?? 0, deps = authority.heads()
  room.leaves(mallory)
  await room.ask(alice, { type: 'remove-member', space, member: me.identity })
  await room.pass(20_000)
  const late = await signMessages(mallory.space(space), other, ['Late', 'and later'], room.now, { seq: seq - 1, deps })
  whisper(mallory, h.carol, space, late)
  await room.pass(70_000)
  for (const person of [alice, h.bob, h.carol]) {
    const { messages } = await room.ask(person, { type: 'get-messages', space, channel: other })
    expect(messages).toEqual([])
    for (const op of late) expect(person.space(space).authority.contentVerdict(op.header)).toMatchObject({ type: 'void', reason: { code: 'removed' } })
    expect((await room.ask(person, { type: 'get-messages', space, channel })).messages.map((m) => m.text)).toEqual(['One'])
  }
})

test('A26 whoever was removed says nothing more under numbers that they left out, where others read', async () => {
  const h = await home()
  const { room, alice, mallory, space, channel } = h
  const other = (await room.ask(alice, { type: 'create-channel', space, name: 'other' })).channel
  // So long that people have compared what they have.
  await room.pass(40_000)
  const mal = mallory.space(space), deps = mal.authority.heads(), gap = (mal.log.deviceHeads.get(mal.me.device)?.seq ?? 0) + 1
  const [said] = await signMessages(mal, channel, ['Said in time'], room.now, { seq: gap + 10 })
  whisper(mallory, alice, space, [said as Op])
  await room.pass(2000)
  room.leaves(mallory)
  await room.ask(alice, { type: 'remove-member', space, member: mal.me.identity })
  await room.pass(20_000)
  const late = [...await signMessages(mal, other, ['Late', 'and later'], room.now, { seq: gap, deps })]
  const more = await signMessage(mal, channel, 'More', room.now, { seq: gap + 11, chanSeq: 2, prev: said?.id, chanPrev: said?.id, deps })
  whisper(mallory, h.carol, space, [...late, more])
  await room.pass(70_000)
  for (const person of [alice, h.bob, h.carol]) {
    const { authority, log } = person.space(space)
    expect(log.tipsOf(other, mal.me.device).map((tip) => tip.chanSeq)).toEqual([2])
    for (const op of [...late, more]) expect(authority.contentVerdict(op.header)).toMatchObject({ type: 'void', reason: { code: 'removed' } })
    expect((await room.ask(person, { type: 'get-messages', space, channel: other })).messages).toEqual([])
    expect((await room.ask(person, { type: 'get-messages', space, channel })).messages.map((m) => m.text)).toEqual(['Said in time'])
    expect(authority.equivocations).toEqual([])
  }
})

test('S10 nobody is frozen by what somebody else put into their mouth', async () => {
  const h = await home()
  const { mallory, space } = h
  const lie = await twin(mallory.space(space), h.room.now, 'Alice')
  await h.room.ask(mallory, { type: 'set-name', name: 'Mal' })
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [unsigned(lie)])
  await h.room.pass(70_000)
  expect(h.carol.space(space).authority.equivocations).toEqual([])
})

/** Where Mallory signed twice, was frozen for it, and is back; on a linked device, which does not have its person's key. */
async function frozen(which: 'first' | 'linked'): Promise<Awaited<ReturnType<typeof home>> & { readonly before: DeviceId }> {
  const h = await home()
  const { mallory, space } = h, { me } = mallory.space(space)
  if (which === 'linked') {
    Object.assign(me, { identityKey: undefined })
    Object.assign(mallory.engine.meRecord ?? {}, { identity: { type: 'certified', publicKey: me.identityPk, ownKey: me.ownKey } })
  }
  const lie = await twin(mallory.space(space), h.room.now, 'Alice')
  const truth = await twin(mallory.space(space), h.room.now, 'Mal')
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [lie])
  whisper(mallory, h.bob, space, [truth])
  await h.room.pass(70_000)
  await h.room.comesBack(mallory)
  await h.room.pass(60_000)
  expect(h.alice.space(space).authority.equivocations).toEqual([me.device])
  return { ...h, before: me.device }
}

test('S9 whoever comes back to a device that was frozen goes on under a new key, if their person\'s is there', async () => {
  const { room, alice, mallory, space, channel, before } = await frozen('first')
  expect(mallory.device).not.toBe(before)
  await room.ask(mallory, { type: 'send-message', space, channel, text: 'Can you hear me?' })
  await room.pass(2000)
  expect((await room.ask(alice, { type: 'get-messages', space, channel })).messages.map((m) => m.text)).toEqual(['Can you hear me?'])
  expect(alice.space(space).authority.equivocations).toEqual([before])
})

test('S9 whoever comes back to a linked device that was frozen is told so when they write, instead of writing what nobody will see', async () => {
  const { room, mallory, space, channel } = await frozen('linked')
  expect(mallory.notices).toEqual(['put-back'])
  expect(await room.reply(mallory, { type: 'send-message', space, channel, text: 'Can you hear me?' })).toMatchObject({ ok: false, error: { reason: { code: 'forked' } } })
})

test('G15 a device that was frozen does nothing more in the group: it would be due again and again, and count for nothing', async () => {
  const h = await frozen('linked')
  const { alice, mallory, space, before } = h
  expect([mallory.device, mallory.space(space).authority.equivocations]).toEqual([before, [before]])
  const acts = (): number => [...alice.space(space).log.authority.values()].filter((op) => op.header.device === before).length, so = acts()
  await h.room.sleep(RENEW_AFTER_MS + 60_000)
  await h.room.pass(10 * 60_000)
  expect(acts()).toBe(so)
})

test('S2 a branch that found no room is taken in when somebody\'s op comes that rests on it', async () => {
  const h = await home()
  const { mallory, space } = h
  h.room.leaves(h.bob)
  const branches: Op[] = []
  for (let n = 0; n <= MAX_BRANCHES; n++) branches.push(await twin(mallory.space(space), h.room.now, `Mal ${n}`))
  const last = branches[MAX_BRANCHES] as Op
  const onIt = await signRule(h.bob.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Bob too' }), h.room.now, { deps: [last.id] })
  whisper(mallory, h.carol, space, branches)
  await h.room.pass(10)
  expect(h.carol.space(space).log.authority.has(last.id)).toBe(false)
  whisper(mallory, h.carol, space, [onIt])
  await h.room.pass(10)
  expect(h.carol.space(space).log.authority.has(last.id)).toBe(true)
  expect(h.carol.space(space).log.authority.has(onIt.id)).toBe(true)
})

test('S2 what waits for the other branch of a fork has that branch asked for after a restart, too', async () => {
  const h = await home()
  const { mallory, space } = h
  const [one, other] = [await twin(mallory.space(space), h.room.now, 'One'), await twin(mallory.space(space), h.room.now, 'Other')]
  const next = await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'On' }), h.room.now, {
    seq: one.header.seq + 1, prev: one.id, chanSeq: one.header.chanSeq + 1, chanPrev: one.id, deps: [one.id],
  })
  h.room.leaves(mallory)
  h.room.leaves(h.carol)
  h.room.goesOffline(h.bob)
  whisper(mallory, h.alice, space, [one, next])
  await h.room.pass(1000)
  whisper(mallory, h.bob, space, [other, next])
  await h.room.pass(1000)
  await h.room.startsAgain(h.bob)
  h.room.relayForgets()
  await h.room.comesOnline(h.bob)
  await h.room.pass(60_000)
  expect(h.bob.space(space).log.authority.has(next.id)).toBe(true)
  expect(view(h.bob, space)).toEqual(view(h.alice, space))
})
