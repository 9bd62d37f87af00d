/** Time-outs, removals and bans: what those hit can still do, and what of theirs counts. */
import { expect, test } from 'vitest'
import type { EpochId, OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import { Out } from '../out.ts'

const HOUR = 3600_000

test('Bob, in a time-out he knows of, writes nothing until it is over or ended', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const until = h.room.now + HOUR
  await h.does(h.alice, { type: 'time-out-member', member: h.id(bob), until })
  expect((await h.sees(bob, bob))?.timedOutUntil).toBe(until)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.timedOutUntil).toBe(until)
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'But' })).toMatchObject({ code: 'not-allowed', reason: 'timed-out', message: 'You are in a time-out here. Wait until it is over.' })
  h.room.now = until + 1
  await h.say(bob, 'Where was I?')
  await h.does(h.alice, { type: 'time-out-member', member: h.id(bob), until: h.room.now + HOUR })
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'But' })).toMatchObject({ reason: 'timed-out' })
  await h.does(h.alice, { type: 'end-time-out', member: h.id(bob) })
  await h.say(bob, 'Thanks')
  expect(await h.texts(h.alice)).toEqual(['Bob: Where was I?', 'Bob: Thanks'])
  expect(await h.refusal(h.alice, { type: 'time-out-member', member: h.id(bob), until: h.room.now - 1 })).toMatchObject({ code: 'bad-request' })
})

test('a time-out that Bob had not heard of hides nothing he said meanwhile', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'time-out-member', member: h.id(bob), until: h.room.now + HOUR })
    await h.say(bob, 'The gate is open')
  })
  expect(await h.texts(h.alice)).toEqual(['Bob: The gate is open'])
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'Again' })).toMatchObject({ reason: 'timed-out' })
})

test('what Bob says after his removal, not knowing of it, is nobody’s to read; what he said before stays', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.say(bob, 'Before')
  await h.room.pass(2000)
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.say(bob, 'After')
  })
  for (const person of [h.alice, carol]) {
    expect(await h.texts(person)).toEqual(['Bob: Before'])
    expect(await h.inGroup(person)).toEqual(['Alice', 'Carol'])
  }
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]).toMatchObject({ state: 'removed', may: [] })
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'Hello?' })).toMatchObject({ code: 'not-a-member' })
})

test('Alice sees what is hidden and why, Bob what became of his own words, Carol neither', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.say(h.alice, 'Who waters?')
  const root = (await h.does(bob, { type: 'get-messages', channel: h.channel })).messages[0]?.id as OpId
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.say(h.alice, 'Bob is out')
    for (const text of ['After', 'And after that']) await h.say(bob, text)
    for (const text of ['I do', 'every day']) await h.does(bob, { type: 'send-message', channel: h.channel, thread: root, text })
  })
  const hidden = async (person: typeof bob, more: { limit?: number; before?: OpId } = {}) => h.does(person, { type: 'list-hidden', channel: h.channel, ...more })
  expect((await hidden(h.alice)).messages).toMatchObject([
    { message: { text: 'I do' } }, { message: { text: 'every day' }, reason: { code: 'removed' } },
    { message: { authorName: 'Bob', text: 'After' }, reason: { code: 'removed' }, becauseOf: { kind: 'kick', byName: 'Alice' } }, { message: { text: 'And after that' } },
  ])
  // One by one, those of the channel before those of its threads.
  const one: string[] = []
  for (let next: { before?: OpId } = {}, n = 0; n < 6; n++) {
    const { messages, next: before } = await hidden(h.alice, { limit: 1, ...next })
    one.push(...messages.map((m) => m.message.text))
    if (before === undefined) break
    next = { before }
  }
  expect(one).toEqual(['And after that', 'After', 'every day', 'I do'])
  expect((await hidden(bob)).messages.map((m) => m.message.text)).toEqual(['I do', 'every day', 'After', 'And after that'])
  expect((await hidden(carol)).messages).toEqual([])
})

test('A30 what Bob did with messages after his removal counts nothing, and says why, to Alice and to himself', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Wardens', 50, ['messages'], bob)
  const { messageId: carols } = await h.say(carol, 'Slugs everywhere'), { messageId: own } = await h.say(bob, 'I water')
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.does(bob, { type: 'react', message: carols, emoji: '🐌', on: true })
    await h.does(bob, { type: 'pin-message', message: carols, on: true })
    await h.does(bob, { type: 'edit-message', message: own, text: 'I water never' })
    await h.does(bob, { type: 'delete-message', message: carols })
  })
  const hidden = async (person: typeof bob) => (await h.does(person, { type: 'list-hidden', channel: h.channel })).messages
    .map(({ message, note, reason, becauseOf }) => `${note?.byName} ${note?.kind} ${note?.text ?? ''} ${message.text}: ${reason.code} ${becauseOf?.kind}`)
  const all = ['Bob reaction 🐌 Slugs everywhere: removed kick', 'Bob pin  Slugs everywhere: removed kick', 'Bob remove  Slugs everywhere: removed kick', 'Bob edit I water never I water: removed kick']
  expect(await hidden(h.alice)).toEqual(all)
  expect((await hidden(bob)).map((one) => one.slice(0, 8))).toEqual(all.map((one) => one.slice(0, 8)))
  expect(await hidden(carol)).toEqual([])
  expect(await h.texts(carol)).toEqual(['Carol: Slugs everywhere', 'Bob: I water'])
})

test('M1 what Bob removed without knowing of his own removal is there again for Dave, who had heard of that first, as for everybody', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  await h.role('Wardens', 50, ['messages'], bob)
  const { messageId: message } = await h.say(carol, 'Slugs everywhere')
  await h.does(carol, { type: 'edit-message', message, text: 'Slugs, everywhere' })
  await h.room.pass(1000)
  await h.apart([h.alice], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.does(bob, { type: 'delete-message', message })
    await h.room.pass(1000)
    expect((await h.does(dave, { type: 'get-messages', channel: h.channel })).messages).toMatchObject([{ deleted: true, text: '' }])
  })
  for (const person of [h.alice, carol, dave]) expect(await h.texts(person)).toEqual(['Carol: Slugs, everywhere'])
  await dave.restart()
  await h.room.pass(6000)
  await h.does(dave, { type: 'react', message, emoji: '🐌', on: true })
  const [seen] = (await h.does(dave, { type: 'get-messages', channel: h.channel })).messages
  expect(seen).toMatchObject({ text: 'Slugs, everywhere', reactions: [{ emoji: '🐌' }] })
  expect(seen?.deleted).toBeUndefined()
})

test('A30 what Mallory changes or deletes that is another’s counts nothing, and the list of what doesn’t count says so', async () => {
  const h = await Allotment.begin(), carol = await h.joins('Carol'), mallory = await h.joins('Mallory')
  const { messageId: message } = await h.say(carol, 'Slugs everywhere')
  const replica = mallory.space(h.space), turn = { now: h.room.now, out: new Out() }
  const contents = [{ type: 'edit', message, text: 'I like slugs' }, { type: 'delete', message }] as const
  for (const content of contents) await mallory.engine.distribute(turn, replica, [await replica.appendContent(turn, h.channel, replica.groups.tip() as EpochId, content)])
  await h.room.carryOut(mallory, turn.out.step())
  await h.room.pass(1000)
  expect(await h.texts(h.alice)).toEqual(['Carol: Slugs everywhere'])
  expect((await h.does(h.alice, { type: 'list-hidden', channel: h.channel })).messages).toMatchObject([
    { note: { byName: 'Mallory', kind: 'edit', text: 'I like slugs' }, reason: { code: 'not-its-author' } }, { note: { kind: 'delete' }, reason: { code: 'not-its-author' } },
  ])
})

test('M10 what Bob said without knowing of his removal stays on his own screen, with the reason, and is shown to nobody else', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.say(bob, 'Before')
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.say(bob, 'Anybody here?')
  })
  const seen = async (person: typeof bob): Promise<readonly string[]> => (await h.does(person, { type: 'get-messages', channel: h.channel })).messages.map(({ text, state }) => `${text} ${state.type}`)
  expect((await seen(bob)).at(-1)).toBe('Anybody here? void')
  const last = (await h.does(bob, { type: 'get-messages', channel: h.channel })).messages.at(-1)
  expect(last?.state).toMatchObject({ type: 'void', reason: { code: 'removed' }, becauseOf: { kind: 'kick', byName: 'Alice' } })
  for (const person of [h.alice, carol]) expect(await seen(person)).toEqual(['Before received'])
})

test('two moderators ban Dave at once: one lifts what is not above them, and the owner lifts the rest', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  await h.role('Elders', 60, ['ban'], bob)
  await h.role('Gardeners', 40, ['ban'], carol)
  await h.apart([bob, carol], async () => {
    await h.does(bob, { type: 'ban-member', member: h.id(dave) })
    await h.does(carol, { type: 'ban-member', member: h.id(dave) })
  })
  expect(await h.names(carol)).toEqual(['Alice', 'Bob', 'Carol'])
  expect((await h.does(carol, { type: 'list-bans' })).bans).toMatchObject([{ name: 'Dave', mayLift: false }])
  expect(await h.refusal(carol, { type: 'unban-member', member: h.id(dave) })).toMatchObject({ reason: 'power-too-low' })
  await h.does(h.alice, { type: 'unban-member', member: h.id(dave) })
  expect((await h.does(carol, { type: 'list-bans' })).bans).toEqual([])
})

test('who left by themself can be banned, and a stranger’s name can’t be made up', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const member = h.id(bob)
  await h.does(bob, { type: 'leave-space' })
  await h.room.pass(2000)
  expect(await h.refusal(h.alice, { type: 'remove-member', member })).toMatchObject({ code: 'unknown-member' })
  await h.does(h.alice, { type: 'ban-member', member })
  expect(await h.room.reply(bob, { type: 'join', link: h.link })).toMatchObject({ ok: false, error: { code: 'banned' } })
  expect(await h.refusal(h.alice, { type: 'ban-member', member: 'ab'.repeat(32) as typeof member })).toMatchObject({ code: 'unknown-member' })
})

test('while Alice removes Bob, Bob lets Mallory in by a link he has just made: Mallory is out with him', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.apart([h.alice], async () => {
    const { link } = await h.does(bob, { type: 'create-invite' })
    const mallory = await h.joins('Mallory', link)
    await h.say(mallory, 'Nice place')
    expect(await h.names(carol)).toEqual(['Alice', 'Bob', 'Carol', 'Mallory'])
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  })
  for (const person of [h.alice, carol]) {
    expect(await h.names(person)).toEqual(['Alice', 'Carol'])
    expect(await h.inGroup(person)).toEqual(['Alice', 'Carol'])
  }
  await h.say(carol, 'Just us again')
  await h.room.pass(10_000)
  expect(await h.texts(h.alice)).toEqual(['Carol: Just us again'])
})

test('Bob, who was removed, puts the space away: it is gone from his list, after a restart too, and a new invite brings it back', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  await h.say(bob, 'one')
  await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  await h.room.pass(5000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.state).toBe('removed')
  await h.does(bob, { type: 'leave-space' })
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toEqual([])
  await h.room.startsAgain(bob)
  await h.room.pass(5000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toEqual([])
  const { link } = await h.does(h.alice, { type: 'create-invite' })
  await h.room.ask(bob, { type: 'join', link })
  await h.room.pass(5000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.state).toBe('member')
  await h.say(bob, 'two')
  expect(await h.texts(h.alice)).toEqual(['Bob: one', 'Bob: two'])
})
