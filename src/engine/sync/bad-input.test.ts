/**
 * What every kind of op and frame comes to when it is malformed, oversized, unverifiable, unauthorised, premature or contradictory. Mallory is a plain member who signs
 * whatever he likes; Alice's device takes it in. Each has its outcome, none throws, none changes what counts, and what is kept of it has a bound.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { type AuthorityBody, decodeAuthorityBody, encodeAuthorityBody } from '../../wire/authority.ts'
import { fromHex } from '../../wire/bytes.ts'
import type { Content } from '../../wire/content.ts'
import { encodePayload, type Payload } from '../../wire/envelope.ts'
import { encodeFrame, type Frame, MAX_FRAME_PAYLOAD } from '../../wire/frame.ts'
import type { GroupBody } from '../../wire/group.ts'
import { AUTHORITY_CHANNEL, type EpochId, type OpId } from '../../wire/ids.ts'
import { encodeHeader, encodeOp, MAX_OP_BYTES, type Op, type OpHeader } from '../../wire/op.ts'
import authorityVectors from '../../wire/vectors/authority.json' with { type: 'json' }
import formatVectors from '../../wire/vectors/formats.json' with { type: 'json' }
import { MAX_BRANCHES, MAX_PARKED_BYTES, MAX_PARKED_OPS, MAX_SPARE_BRANCHES, MAX_SUSPECTS, MAX_UNNAMED_TREES, MAX_UNVERIFIED_BYTES } from '../limits.ts'
import { Out } from '../out.ts'
import type { Replica } from '../replica.ts'
import { signOp } from '../signing.ts'
import type { ReasonCode } from '../space/reasons.ts'
import { home, type Home, nextHeader, sendBytes, sendOps, sessionToken, unsigned, view } from './mallory.test-support.ts'
import type { Intake } from './receiving.ts'

/**
 * What becomes of a well-formed op of each type by somebody who may nothing but talk and invite, about things that don't exist. 'counts': he may do that (the invite
 * that he takes back is his own). A new type has to say here what it comes to.
 */
const UNAUTHORISED: { readonly [T in AuthorityBody['type']]: ReasonCode | 'counts' } = {
  genesis: 'malformed', invite: 'counts', inviteRevoke: 'counts', join: 'bad-signature', leave: 'counts',
  kick: 'no-permission', ban: 'no-permission', unban: 'no-permission', timeout: 'no-permission',
  deviceAdd: 'bad-signature', deviceRevoke: 'bad-signature', keyPackage: 'counts', profile: 'counts', about: 'counts',
  roleCreate: 'no-permission', roleName: 'no-permission', rolePower: 'no-permission', rolePermissions: 'no-permission', roleDelete: 'no-permission',
  roleAssign: 'unknown-member', roleUnassign: 'unknown-member',
  channelCreate: 'no-permission', channelRename: 'no-permission', channelTopic: 'no-permission', channelPlace: 'no-permission', channelDelete: 'no-permission',
  channelAudience: 'no-permission', channelOverride: 'no-permission', audience: 'no-permission', audienceHistory: 'no-permission', retention: 'no-permission', clear: 'no-permission', slowMode: 'no-permission',
  spaceRename: 'no-permission', spaceHistory: 'no-permission', spaceRelays: 'no-permission',
  ownerTransfer: 'owner-only', recoverySet: 'owner-only', recover: 'bad-signature', forkProof: 'bad-signature',
}

const GROUP: readonly GroupBody['type'][] = ['commit', 'bundle', 'commitReject', 'keyWant', 'grant', 'historyShare']
const CONTENT: readonly Content['type'][] = ['message', 'edit', 'delete', 'remove', 'reaction', 'unreact', 'pin', 'unpin']
const JUNK = fromHex('ff00aa5501020304') as Uint8Array

/** A well-formed body of each type, from the format's own vectors, its cuts left out since they name what isn't there. `leave` last: after it nothing of Mallory's counts. */
const BODIES = new Map(Object.entries(authorityVectors).map(([name, hex]) => {
  const type = name.split(' ')[0] as AuthorityBody['type']
  const body = decodeAuthorityBody(type, fromHex(hex) as Uint8Array) as AuthorityBody
  return [type, encodeAuthorityBody('cuts' in body ? { ...body, cuts: [] } : body)] as const
}))
const TYPES = (Object.keys(UNAUTHORISED) as AuthorityBody['type'][]).sort((a, b) => Number(a === 'leave') - Number(b === 'leave'))

interface Scene extends Home { readonly alice_: Replica; readonly liar: Replica; readonly give: (op: Op) => Promise<Intake>; readonly sign: (type: string, body: Uint8Array, change?: Partial<OpHeader>) => Promise<Op> }

async function scene(): Promise<Scene> {
  const h = await home()
  const alice_ = h.alice.space(h.space), liar = h.mallory.space(h.space)
  return {
    ...h, alice_, liar,
    give: (op) => alice_.receive({ now: h.room.now, out: new Out() }, [op.bytes], liar.me.device),
    sign: (type, body, change = {}) => signOp(liar.world, liar.me, { ...nextHeader(liar, type, change.channel ?? AUTHORITY_CHANNEL, h.room.now, alice_), ...change }, body),
  }
}

/** Everything that decides, and the group: what bad input must leave as it was. */
const decided = (replica: Replica): unknown => ({ state: replica.authority.stateHash(), tip: replica.groups.tip(), epochs: replica.groups.tree.nodes.size })

const sealed = (replica: Replica): Partial<OpHeader> => ({ kid: new Uint8Array(16), epoch: replica.groups.tip() as EpochId })

describe('ops', () => {
  test.each([...TYPES, ...GROUP])('S11 %s, its body malformed: kept, void, nothing changes', async (type) => {
    const { alice_, give, sign } = await scene()
    const before = decided(alice_)
    const op = await sign(type, JUNK)
    expect(await give(op)).toMatchObject({ faults: [] })
    expect(alice_.authority.verdict(op.id)).toMatchObject(type in UNAUTHORISED ? { type: 'void', reason: { code: 'malformed' } } : {})
    await alice_.settle({ now: 0, out: new Out() })
    expect(decided(alice_)).toEqual(before)
  })

  test('S11 unauthorised: each type comes to what the table says, with its reason', async () => {
    const { alice_, give, sign } = await scene()
    const outcomes: Record<string, string> = {}
    for (const type of TYPES) {
      const before = decided(alice_)
      const op = await sign(type, BODIES.get(type) as Uint8Array)
      expect((await give(op)).accepted).toEqual([op])
      const verdict = alice_.authority.verdict(op.id)
      outcomes[type] = verdict.type === 'valid' ? 'counts' : verdict.reason.code
      if (verdict.type === 'void') expect(decided(alice_)).toEqual(before)
    }
    expect(outcomes).toEqual(UNAUTHORISED)
  })

  test.each(CONTENT)('S11 %s that opens to nothing: kept, shown to nobody', async (type) => {
    const h = await scene()
    const op = await h.sign(type, JUNK, { channel: h.channel, ...sealed(h.alice_) })
    expect(await h.give(op)).toEqual({ accepted: [op], faults: [] })
    const { messages } = await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })
    expect(messages).toEqual([])
  })

  const ANY = ['kick', 'profile', 'commit', 'bundle', 'message'] as const
  const inItsChannel = (h: Scene, type: string): Partial<OpHeader> => (type === 'message' ? { channel: h.channel, ...sealed(h.alice_) } : {})

  test.each(ANY)('S11 %s, unverifiable: dropped; its sender is blamed, or for content when nothing vouches for it in the end', async (type) => {
    const h = await scene()
    const op = unsigned(await h.sign(type, JUNK, inItsChannel(h, type)))
    expect(await h.give(op)).toEqual({ accepted: [], faults: type === 'message' ? [] : ['forged'] })
    expect(h.alice_.receiving.finish(h.liar.me.device)).toBe(type === 'message' ? 1 : 0)
    expect(h.alice_.log.authority.has(op.id)).toBe(false)
  })

  test.each(ANY)('S11 %s, oversized: not decoded, its sender blamed', async (type) => {
    const h = await scene()
    const header = encodeHeader({ ...nextHeader(h.liar, type, AUTHORITY_CHANNEL, h.room.now), bodyHash: h.liar.world.suite.sha256(new Uint8Array(MAX_OP_BYTES)) })
    const bytes = encodeOp(header, new Uint8Array(MAX_OP_BYTES), new Uint8Array(64))
    expect(await h.alice_.receive({ now: 0, out: new Out() }, [bytes], h.liar.me.device)).toEqual({ accepted: [], faults: ['malformed'] })
  })

  test.each(ANY)('S11 %s, premature: waits for what it names, nobody blamed', async (type) => {
    const h = await scene()
    const before = decided(h.alice_)
    const op = await h.sign(type, JUNK, { ...inItsChannel(h, type), deps: ['ee'.repeat(32) as OpId] })
    expect(await h.give(op)).toEqual({ accepted: [], faults: [] })
    expect(h.alice_.log.parked.has(op.id)).toBe(true)
    expect(decided(h.alice_)).toEqual(before)
  })

  test.each(ANY)('S11 %s, contradictory in itself: dropped', async (type) => {
    const h = await scene()
    await h.give(await h.sign('profile', JUNK))
    if (type === 'message') await h.give(await h.sign('message', JUNK, inItsChannel(h, type)))
    const right = nextHeader(h.liar, type, type === 'message' ? h.channel : AUTHORITY_CHANNEL, h.room.now, h.alice_)
    const op = await h.sign(type, JUNK, { ...inItsChannel(h, type), seq: right.seq + 20, chanSeq: right.chanSeq + 10 })
    expect(await h.give(op)).toEqual({ accepted: [], faults: type === 'message' ? [] : ['contradictory'] })
    expect(h.alice_.log.parked.has(op.id)).toBe(false)
  })

  test.each(ANY)('S11 %s, contradicting another at its place: both are kept, its device is frozen for all', async (type) => {
    const h = await scene()
    const change = inItsChannel(h, type)
    const one = await h.sign(type, JUNK, change), other = await h.sign(type, JUNK.slice(1), change)
    for (const op of [one, other]) sendOps(h.mallory, h.alice, h.space, [op])
    h.room.leaves(h.mallory)
    await h.room.pass(70_000)
    for (const person of [h.alice, h.bob, h.carol]) {
      expect(person.space(h.space).authority.equivocations).toEqual([h.liar.me.device])
      expect(view(person, h.space)).toEqual(view(h.alice, h.space))
    }
  })

  test('S11 a type that nobody knows yet is kept and changes nothing; as content it is shown to nobody, and what follows it comes in', async () => {
    const h = await scene()
    const before = decided(h.alice_)
    const rule = await h.sign('tomorrow', JUNK)
    expect((await h.give(rule)).accepted).toEqual([rule])
    expect(decided(h.alice_)).toEqual(before)
    const said = await h.sign('tomorrow', JUNK, { channel: h.channel, ...sealed(h.alice_) })
    expect(await h.give(said)).toEqual({ accepted: [said], faults: [] })
    const next = await h.sign('message', JUNK, { channel: h.channel, ...sealed(h.alice_) })
    expect(await h.give(next)).toEqual({ accepted: [next], faults: [] })
    expect((await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })).messages).toEqual([])
  })
})

/** What is kept on account of what came from others, all of it bounded. */
function expectBounded(replica: Replica): void {
  expect(replica.log.parked.count).toBeLessThanOrEqual(MAX_PARKED_OPS)
  expect(replica.log.parked.size).toBeLessThanOrEqual(MAX_PARKED_BYTES)
  expect(replica.receiving.unprovenBytes).toBeLessThanOrEqual(MAX_UNVERIFIED_BYTES)
  expect(replica.receiving.suspectCount).toBeLessThanOrEqual(MAX_SUSPECTS)
}

describe('frames', () => {
  const NAMES = Object.keys(formatVectors).filter((name) => name.endsWith(' frame')) as (keyof typeof formatVectors)[]
  const valid = (h: Scene, name: keyof typeof formatVectors): Uint8Array => {
    // The vectors' token is sixteen ones; in its place goes that of the session, so that what follows is looked at.
    const hex: string = formatVectors[name]
    return fromHex(hex.replace('01'.repeat(16), [...sessionToken(h.mallory, h.alice, h.space)].map((b) => b.toString(16).padStart(2, '0')).join(''))) as Uint8Array
  }

  test.each(NAMES)('S11 %s of things that are not: an answer or none, and nothing changes', async (name) => {
    const h = await scene()
    const before = decided(h.alice_)
    for (let n = 0; n < 3; n++) sendBytes(h.mallory, h.alice, valid(h, name))
    await h.room.pass(100)
    expect(decided(h.alice_)).toEqual(before)
    expectBounded(h.alice_)
  })

  test.each(NAMES)('S11 %s, cut, lengthened or changed anywhere: no throw, and its sender is muted in the end', async (name) => {
    const h = await scene()
    const before = decided(h.alice_)
    const random = seededRandom(name.length)
    const bytes = valid(h, name)
    for (let n = 0; n < 60; n++) {
      const [at = 0, bits = 0, kind = 0] = random.bytes(3)
      const place = at % bytes.length
      const bad = kind % 3 === 0 ? bytes.slice(0, place) : kind % 3 === 1 ? Uint8Array.of(...bytes, bits) : bytes.map((b, i) => (i === place ? b ^ (bits | 1) : b))
      sendBytes(h.mallory, h.alice, bad)
    }
    await h.room.pass(100)
    expect(decided(h.alice_)).toEqual(before)
    expectBounded(h.alice_)
    expect((await h.room.ask(h.alice, { type: 'status' })).muted.length).toBeGreaterThan(0)
  })

  test('S11 a frame of a stranger, of no session, of a space that isn\'t here, or after the session\'s end: nothing', async () => {
    const h = await scene()
    const frames: Frame[] = [
      { type: 'vector', token: new Uint8Array(16), told: [], asks: true }, { type: 'ops', token: new Uint8Array(16), ops: [JUNK], more: false }, { type: 'hello', spaces: [{ token: new Uint8Array(16), nonce: new Uint8Array(24), sealed: JUNK }] },
    ]
    for (const frame of frames) {
      h.alice.queue.push({ type: 'frame', peer: 'nobody', bytes: encodeFrame(frame) })
      sendBytes(h.mallory, h.alice, encodeFrame(frame))
    }
    await h.room.pass(10)
    expect((await h.room.ask(h.alice, { type: 'status' })).muted).toEqual([])
  })
})

describe('what relays and gossip bring', () => {
  const PAYLOADS: readonly Payload[] = [
    { type: 'ops', ops: [JUNK, new Uint8Array()] }, { type: 'tree', tree: JUNK },
    { type: 'presence', device: 'ab'.repeat(32) as never, peer: 'x', addresses: [], at: 1, sig: new Uint8Array(64) },
    { type: 'receipt', device: 'ab'.repeat(32) as never, at: 1, vector: [], sig: new Uint8Array(64) },
  ]

  test('S11 parcels that are no envelope, open to nothing, or are signed by nobody: read past, and nobody is muted', async () => {
    const h = await scene()
    const before = decided(h.alice_)
    const topic = [...h.liar.mail.topics.keys()][0] as string
    const tip = h.liar.groups.tip() as EpochId
    const parcels = [JUNK, new Uint8Array(), new Uint8Array(5000), ...PAYLOADS.map((p) => h.liar.mail.seal(tip, p) as Uint8Array), ...PAYLOADS.map((p) => encodePayload(p))]
    h.alice.queue.push({ type: 'parcels', relay: 'http://relay.test', topic, parcels: parcels.map((bytes, n) => ({ cursor: 900 + n, bytes })), next: 900 + parcels.length, end: true })
    for (const bytes of parcels) h.alice.queue.push({ type: 'gossip', topic, bytes }, { type: 'announced', relay: 'http://relay.test', topic, bytes })
    await h.room.pass(100)
    expect(decided(h.alice_)).toEqual(before)
    expect((await h.room.ask(h.alice, { type: 'status' })).muted).toEqual([])
    expectBounded(h.alice_)
  })
})

test('S11 of trees that no commit names a few are kept, in memory and on disk, however many come', async () => {
  const h = await scene()
  const topic = [...h.liar.mail.topics.keys()][0] as string, tip = h.liar.groups.tip() as EpochId
  const before = (await h.alice.disk.range(`trees/${h.space}`, { limit: 1000 })).length
  for (let n = 0; n < 5 * MAX_UNNAMED_TREES; n++) h.alice.queue.push({ type: 'gossip', topic, bytes: h.liar.mail.seal(tip, { type: 'tree', tree: new Uint8Array(500).fill(n) }) as Uint8Array })
  await h.room.pass(100)
  expect(h.alice_.unnamedTrees()).toBe(MAX_UNNAMED_TREES)
  expect(await h.alice.disk.range(`trees/${h.space}`, { limit: 1000 })).toHaveLength(before + MAX_UNNAMED_TREES)
  // Whoever joins later brings a tree that is named, and it has room.
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  const dave = await h.room.person('Dave')
  await h.room.ask(dave, { type: 'join', link })
  await h.room.pass(5000)
  expect(view(dave, h.space)).toEqual(view(h.alice, h.space))
  expect(dave.space(h.space).groups.tip()).toBe(h.alice_.groups.tip())
})

test('S2 of branches beyond those that are kept, so many wait for what may rest on them', async () => {
  const { alice_, give, sign } = await scene()
  const place = await sign('profile', new Uint8Array())
  for (let n = 0; n < MAX_BRANCHES + MAX_SPARE_BRANCHES + 20; n++) await give(await sign('profile', Uint8Array.of(n, n >> 8), place.header))
  expect(alice_.log.tipsOf(AUTHORITY_CHANNEL, place.header.device).length).toBeLessThanOrEqual(MAX_BRANCHES)
  expect((alice_.receiving as unknown as { readonly spare: ReadonlyMap<OpId, Op> }).spare.size).toBe(MAX_SPARE_BRANCHES)
})

test('S11 a flood of everything at once stays within its bounds, and honest people go on', async () => {
  const h = await scene()
  const topic = [...h.liar.mail.topics.keys()][0] as string
  const tip = h.liar.groups.tip() as EpochId
  const ops: Uint8Array[] = []
  for (let n = 0; n < 300; n++) {
    const kind = n % 5
    const change: Partial<OpHeader> = kind === 0 ? { deps: [n.toString(16).padStart(64, 'e') as OpId] } : kind === 1 ? { seq: 500 + n, chanSeq: 100 + n, chanPrev: n.toString(16).padStart(64, 'd') as OpId }
      : kind === 2 ? { channel: h.channel, ...sealed(h.alice_), seq: 900, chanSeq: 5, chanPrev: 'dd'.repeat(32) as OpId } : kind === 3 ? { hlc: n } : { channel: n.toString(16).padStart(32, '0') as typeof h.channel, ...sealed(h.alice_) }
    ops.push((await h.sign(kind === 2 || kind === 4 ? 'message' : 'profile', Uint8Array.of(n, n >> 8), change)).bytes)
  }
  h.room.leaves(h.mallory)
  for (let from = 0; from < ops.length; from += 30) h.alice.queue.push({ type: 'gossip', topic, bytes: h.liar.mail.seal(tip, { type: 'ops', ops: ops.slice(from, from + 30) }) as Uint8Array })
  await h.room.pass(70_000)
  expectBounded(h.alice_)
  expect(h.alice_.log.tipsOf(AUTHORITY_CHANNEL, h.liar.me.device).length).toBeLessThanOrEqual(MAX_BRANCHES)
  await h.room.ask(h.bob, { type: 'send-message', space: h.space, channel: h.channel, text: 'All well here' })
  await h.room.pass(1000)
  const { messages } = await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })
  expect(messages.map((m) => m.text)).toEqual(['All well here'])
  for (const person of [h.bob, h.carol]) expect(view(person, h.space)).toEqual(view(h.alice, h.space))
})

test('S11 ten thousand frames of random bytes: not one throws', async () => {
  const h = await scene()
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => { await h.alice.engine.step({ type: 'frame', peer: h.mallory.peer, bytes }, h.room.now) }), { numRuns: 10_000, seed: 1 })
  expect(MAX_FRAME_PAYLOAD).toBeGreaterThan(200)
})
