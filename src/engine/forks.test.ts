/** A device whose chain forked, told with Alice, Bob, Carol and a Mallory who signs twice: whoever hears which branch first, all decide alike. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { fromHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId, type SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { sealContent } from './content/content.ts'
import { type Person, RELAY, Room } from './engines.test-support.ts'
import { type Replica, signOp } from './replica.ts'

const EMPTY = new Uint8Array()

interface Home { readonly room: Room; readonly alice: Person; readonly bob: Person; readonly carol: Person; readonly mallory: Person; readonly space: SpaceId; readonly channel: ChannelId }

async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  const others: Person[] = []
  for (const name of ['Bob', 'Carol', 'Mallory']) {
    const person = await room.person(name)
    await room.ask(person, { type: 'join', link })
    await room.pass(2000)
    others.push(person)
  }
  const [bob, carol, mallory] = others as [Person, Person, Person]
  return { room, alice, bob, carol, mallory, space, channel }
}

/** An op at the next place of Mallory's chains that Mallory's own app doesn't know of. */
async function twin(mallory: Replica, at: number, name: string): Promise<Op> {
  const head = mallory.log.head(AUTHORITY_CHANNEL, mallory.me.device), last = mallory.log.deviceHeads.get(mallory.me.device)
  if (head === undefined || last === undefined) throw new Error('Mallory has written nothing yet')
  const body = encodeAuthorityBody({ type: 'profile', name })
  return signOp(mallory.world, mallory.me, {
    space: mallory.id, audience: 0, channel: AUTHORITY_CHANNEL, device: mallory.me.device, seq: last.seq + 1, prev: last.id, chanSeq: head.chanSeq + 1, chanPrev: head.id,
    deps: mallory.authority.heads(), type: 'profile', hlc: at * 1024, kid: undefined, epoch: undefined, bodyHash: EMPTY,
  }, body)
}

async function twinMessage(mallory: Replica, channel: ChannelId, at: number, text: string): Promise<Op> {
  const head = mallory.log.head(channel, mallory.me.device), last = mallory.log.deviceHeads.get(mallory.me.device)
  const epoch = mallory.groups.tip() as EpochId
  const key = mallory.groups.keys.contentKey(epoch, channel)
  if (last === undefined || key === undefined) throw new Error('Mallory has written nothing yet')
  const header = {
    space: mallory.id, audience: 0, channel, device: mallory.me.device, seq: last.seq + 1, prev: last.id, chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id,
    deps: mallory.authority.heads(), type: 'message', hlc: at * 1024, kid: key.kid, epoch, bodyHash: EMPTY,
  }
  return signOp(mallory.world, mallory.me, header, sealContent(mallory.world.suite, key, header, { type: 'message', text }))
}

/** Somebody whispers ops to one person only. */
function whisper(from: Person, to: Person, space: SpaceId, ops: readonly Op[]): void {
  const replica = from.space(space)
  const bytes = replica.mail.seal(replica.groups.tip() as EpochId, { type: 'ops', ops: ops.map((op) => op.bytes) })
  const topic = [...replica.mail.topics.keys()][0]
  if (bytes === undefined || topic === undefined) throw new Error('nothing to whisper through')
  to.queue.push({ type: 'gossip', topic, bytes })
}

/** What each of them holds and decides, to be the same. */
const view = (person: Person, space: SpaceId): unknown => {
  const { authority, log } = person.space(space)
  return { state: authority.stateHash(), frozen: authority.equivocations, vector: log.vector(), ops: [...log.authority.keys()].sort() }
}

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
  const lie = await twinMessage(mallory.space(space), channel, h.room.now, 'I never said that')
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
  const lie = await twinMessage(mallory.space(space), channel, h.room.now, 'Said under a number that my rename has')
  await h.room.ask(mallory, { type: 'set-name', name: 'Mal' })
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [lie])
  await h.room.pass(70_000)
  for (const person of [h.alice, h.bob, h.carol]) {
    expect(person.space(space).authority.equivocations).toEqual([lie.header.device])
    expect(view(person, space)).toEqual(view(h.alice, space))
  }
})

test('S10 the proof is in the words of the forger: its two headers, signed', async () => {
  const h = await home()
  const { mallory, space } = h
  const lie = await twin(mallory.space(space), h.room.now, 'Alice')
  await h.room.ask(mallory, { type: 'set-name', name: 'Mal' })
  h.room.leaves(mallory)
  whisper(mallory, h.carol, space, [{ ...lie, bytes: lie.bytes.map((b, i) => (i === lie.bytes.length - 1 ? b ^ 1 : b)) }])
  await h.room.pass(70_000)
  expect(h.carol.space(space).authority.equivocations).toEqual([])
  expect(fromHex(lie.id)).toHaveLength(32)
})
