/** Conversations between a few: how Bob and Carol come to hear of Alice's, who else does, and what nobody can do in them. */
import { sha256 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import { Allotment } from './allotment.test-support.ts'
import { contact } from './contacts.ts'
import { type Person, RELAY } from './engines.test-support.ts'
import { CONTACT_LASTS_MS, MAX_CONTACTS_OPEN, UNKNOWN_CONTACT_PATIENCE_MS } from './limits.ts'
import { Out } from './out.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { encodeLink, INVITE_SECRET_BYTES } from '../wire/invite.ts'

interface Dm { readonly space: SpaceId; readonly channel: ChannelId }

const opens = (a: Allotment, by: Person, ...others: Person[]): Promise<Dm> => a.does(by, { type: 'open-dm', members: others.map((p) => a.id(p)) })
const say = (a: Allotment, person: Person, dm: Dm, text: string) => a.room.ask(person, { type: 'send-message', ...dm, text })

async function dms(a: Allotment, person: Person): Promise<string[]> {
  const { spaces } = await a.room.ask(person, { type: 'list-spaces' })
  return spaces.filter((s) => s.kind === 'dm').map((s) => `${s.name} ${s.state}`)
}

async function texts(a: Allotment, person: Person, dm: Dm): Promise<string[]> {
  const { messages } = await a.room.ask(person, { type: 'get-messages', ...dm })
  return messages.map((m) => `${m.authorName}: ${m.text}`)
}

test('U8 Alice writes to Bob, who is away; when he comes back he has it, and Carol knows nothing of it', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  a.room.leaves(bob)
  const dm = await opens(a, a.alice, bob)
  await say(a, a.alice, dm, 'About your birthday')
  expect(await dms(a, a.alice)).toEqual(['Bob member'])
  await a.room.comesBack(bob)
  await a.room.pass(60_000)
  expect(await texts(a, bob, dm)).toEqual(['Alice: About your birthday'])
  await say(a, bob, dm, 'Thank you')
  await a.room.pass(10_000)
  expect(await texts(a, a.alice, dm)).toEqual(['Alice: About your birthday', 'Bob: Thank you'])
  expect(await dms(a, bob)).toEqual(['Alice member'])
  expect(await dms(a, carol)).toEqual([])
  // All that went through the space they share is one contact, which only Bob's device opens.
  expect([...carol.engine.replicas.keys()]).toEqual([a.space])
  expect(carol.updates.filter((u) => u.type === 'notice')).toEqual([])
})

test('U8 the same people have one conversation, whoever opens it again; others have another', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const dm = await opens(a, a.alice, bob)
  await a.room.pass(10_000)
  expect(await opens(a, bob, a.alice)).toEqual(dm)
  const group = await opens(a, a.alice, bob, carol)
  expect(group.space).not.toBe(dm.space)
  await a.room.pass(10_000)
  await say(a, carol, group, 'All three of us')
  await a.room.pass(10_000)
  expect(await texts(a, bob, group)).toEqual(['Carol: All three of us'])
  expect(await dms(a, bob)).toEqual(['Alice member', 'Alice, Carol member'])
})

test('it is told when something was last said in a conversation, by whomever, or else when it was opened', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const lastAt = async (): Promise<Record<string, number>> => Object.fromEntries((await a.room.ask(a.alice, { type: 'list-spaces' })).spaces.map((s) => [s.name, s.lastAt]))
  const withBob = await opens(a, a.alice, bob), opened = a.room.now
  await a.room.pass(10_000)
  await opens(a, a.alice, carol)
  const before = await lastAt(), name = (await a.room.ask(a.alice, { type: 'list-spaces' })).spaces[0]?.name ?? ''
  expect([before[name], (before['Bob'] ?? 0) <= opened, (before['Carol'] ?? 0) > opened]).toEqual([0, true, true])
  await a.room.pass(10_000)
  const said = a.room.now
  await say(a, bob, withBob, 'Are you there?')
  await a.room.pass(60_000)
  const after = await lastAt()
  expect([after['Carol'], (after['Bob'] ?? 0) >= said, (after['Bob'] ?? 0) < said + 10_000]).toEqual([before['Carol'], true, true])
})

test('U8 a conversation outlives the space where they met, and Bob, once banned there, is not contacted from it', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const dm = await opens(a, carol, bob)
  await a.room.pass(10_000)
  await a.does(a.alice, { type: 'ban-member', member: a.id(bob) })
  await a.room.pass(10_000)
  await say(a, bob, dm, 'Still here')
  await a.room.pass(10_000)
  expect(await texts(a, carol, dm)).toEqual(['Bob: Still here'])
  expect(await a.refusal(a.alice, { type: 'open-dm', members: [a.id(bob)] })).toMatchObject({ code: 'unknown-member' })
  expect(await a.refusal(bob, { type: 'open-dm', members: [a.id(a.alice)] })).toMatchObject({ code: 'not-a-member' })
  expect(await a.refusal(a.alice, { type: 'open-dm', members: [a.id(a.alice)] })).toMatchObject({ code: 'bad-request' })
})

test('U8 a contact that leads into a space like others is not followed', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { space } = await a.room.ask(a.alice, { type: 'create-space', name: 'Sect', relays: ['http://relay.test'] })
  const { link } = await a.room.ask(a.alice, { type: 'create-invite', space })
  const turn = { now: a.room.now, out: new Out() }
  await contact(a.alice.engine, turn, a.alice.space(a.space), [a.id(bob)], link)
  await a.room.carryOut(a.alice, turn.out.step())
  await a.room.pass(60_000)
  expect([...bob.engine.replicas.keys()]).toEqual([a.space])
})

test('U8 who sends contacts without end has Bob look for so many conversations, and no more; he forgets those that nobody answers for', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const turn = { now: a.room.now, out: new Out() }
  for (let n = 0; n < MAX_CONTACTS_OPEN + 10; n++) {
    const link = { space: n.toString(16).padStart(64, '0') as SpaceId, secret: new Uint8Array(INVITE_SECRET_BYTES).fill(n), expiresAt: a.room.now + 3600_000, spaceName: 'DM', inviterName: 'Alice', relays: [RELAY] }
    await contact(a.alice.engine, turn, a.alice.space(a.space), [a.id(bob)], encodeLink(link, 'https://thicket.test', sha256))
  }
  await a.room.carryOut(a.alice, turn.out.step())
  await a.room.pass(5000)
  expect([...bob.engine.replicas.values()].filter(({ record }) => record.state === 'contacted')).toHaveLength(MAX_CONTACTS_OPEN)
  await a.room.sleep(UNKNOWN_CONTACT_PATIENCE_MS)
  expect([...bob.engine.replicas.keys()]).toEqual([a.space])
  expect(bob.updates.filter((update) => update.type === 'notice')).toEqual([])
  const dm = await opens(a, a.alice, bob)
  await a.room.pass(10_000)
  expect(await dms(a, bob)).toEqual(['Alice member'])
  expect([...bob.engine.replicas.keys()]).toContain(dm.space)
})

test('A32 in a conversation all are equal: nobody is put out, nobody else comes in, and no channel goes', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const dm = await opens(a, a.alice, bob)
  await a.room.pass(10_000)
  const refused = async (person: Person, command: Record<string, unknown> & { readonly type: string }): Promise<unknown> => {
    const reply = await a.room.reply(person, { ...command, space: dm.space } as never)
    return reply?.ok === false ? reply.error.reason?.code ?? reply.error.code : 'done'
  }
  for (const [person, other] of [[a.alice, bob], [bob, a.alice]] as const) {
    expect(await refused(person, { type: 'remove-member', member: a.id(other) })).toBe('no-permission')
    expect(await refused(person, { type: 'ban-member', member: a.id(other) })).toBe('no-permission')
    expect(await refused(person, { type: 'delete-channel', channel: dm.channel })).toBe('not-in-dm')
    expect(await refused(person, { type: 'set-readers', channel: dm.channel, readers: { members: [a.id(person)] } })).toBe('not-in-dm')
    expect(await refused(person, { type: 'create-role', name: 'Boss', power: 0, permissions: [] })).toBe('no-permission')
  }
  const { link } = await a.room.ask(bob, { type: 'create-invite', space: dm.space })
  expect(await a.room.reply(carol, { type: 'join', link })).toMatchObject({ ok: false, error: { reason: { code: 'not-in-dm' } } })
  await a.room.ask(a.alice, { type: 'rename-space', space: dm.space, name: 'Birthday' })
  await a.room.pass(5000)
  expect(await dms(a, bob)).toEqual(['Birthday member'])
  await a.room.ask(a.alice, { type: 'leave-space', space: dm.space })
  expect(await dms(a, a.alice)).toEqual([])
})

test('U8 conversations at relays that can\'t be reached keep out no others for longer than a day', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const turn = { now: a.room.now, out: new Out() }
  const contacted = (): number => [...bob.engine.replicas.values()].filter(({ record }) => record.state === 'contacted').length
  for (let n = 0; n < MAX_CONTACTS_OPEN; n++) {
    const link = { space: n.toString(16).padStart(64, '0') as SpaceId, secret: new Uint8Array(INVITE_SECRET_BYTES).fill(n), expiresAt: a.room.now + CONTACT_LASTS_MS, spaceName: 'DM', inviterName: 'Alice', relays: ['http://gone.test'] }
    await contact(a.alice.engine, turn, a.alice.space(a.space), [a.id(bob)], encodeLink(link, 'https://thicket.test', sha256))
  }
  const deaf = new Set<unknown>(['http://gone.test'])
  const carry = a.room.carryOut.bind(a.room)
  a.room.carryOut = (person, step) => carry(person, { ...step, sends: step.sends.filter((send) => !('relay' in send && deaf.has(send.relay))) })
  await carry(a.alice, turn.out.step())
  await a.room.pass(5000)
  expect(contacted()).toBe(MAX_CONTACTS_OPEN)
  await a.room.sleep(UNKNOWN_CONTACT_PATIENCE_MS)
  expect(contacted()).toBe(MAX_CONTACTS_OPEN)
  await opens(a, a.alice, bob)
  await a.room.pass(10_000)
  expect(await dms(a, bob)).toContain('Alice member')
  expect(contacted()).toBe(MAX_CONTACTS_OPEN - 1)
})
