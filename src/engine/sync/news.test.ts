/** Alice's words on their way to Carol, who is not always connected with her. */
import { expect, test, vi } from 'vitest'
import { decodeFrame } from '../../wire/frame.ts'
import type { Person } from '../engines.test-support.ts'
import { LATE_AFTER_MS } from '../limits.ts'
import { home, type Home, sendFrame, sessionToken } from './mallory.test-support.ts'

/** What has come to Carol, by whom and as what. */
interface Scene extends Home { readonly came: string[] }

/** Nothing comes by the relay, and nobody connects by themselves. */
async function scene(): Promise<Scene> {
  const h = await home(), came: string[] = []
  h.room.isSilent = true
  h.room.canDial = false
  h.room.seesFrame = (bytes, from, to) => { if (to === h.carol) came.push(`${from.name}: ${decodeFrame(bytes)?.type}`) }
  return { ...h, came }
}

function part(one: Person, other: Person): void {
  one.queue.push({ type: 'peer-down', peer: other.peer })
  other.queue.push({ type: 'peer-down', peer: one.peer })
}

async function connect({ room }: Home, one: Person, other: Person): Promise<void> {
  one.queue.push({ type: 'peer-up', peer: other.peer, path: 'direct' })
  other.queue.push({ type: 'peer-up', peer: one.peer, path: 'direct' })
  await room.pass(1)
}

async function say(s: Scene, person: Person, text: string): Promise<void> {
  s.came.length = 0
  await s.room.ask(person, { type: 'send-message', space: s.space, channel: s.channel, text })
  await s.room.pass(1)
}

/** Carol is connected with Bob alone, and Alice says something. */
async function hearsOneFromBob(): Promise<Scene> {
  const s = await scene()
  part(s.alice, s.carol)
  part(s.mallory, s.carol)
  await s.room.pass(1)
  await say(s, s.alice, 'One')
  return s
}

const texts = async (s: Scene, person: Person): Promise<string[]> => (await s.room.ask(person, { type: 'get-messages', space: s.space, channel: s.channel })).messages.map((m) => m.text)

test('S24 who is connected with the author is sent it, and told of it by others without asking', async () => {
  const s = await scene()
  await say(s, s.alice, 'One')
  await s.room.pass(2 * LATE_AFTER_MS)
  expect(s.came.filter((what) => what.endsWith('fresh'))).toEqual(['Alice: fresh'])
  expect(s.came.filter((what) => what.endsWith('vector')).length).toBeGreaterThan(0)
  expect(s.came.filter((what) => what.endsWith('ops'))).toEqual([])
})

test('S24 who is not, asks whoever tells of it at once; what the author says next is sent on, by that one alone', async () => {
  const s = await hearsOneFromBob()
  expect(s.came).toEqual(['Bob: vector', 'Bob: ops'])
  expect(await texts(s, s.carol)).toEqual(['One'])
  await say(s, s.alice, 'Two')
  expect(s.came).toEqual(['Bob: fresh'])
  expect(await texts(s, s.carol)).toEqual(['One', 'Two'])
})

test('S24 who meets the author again is soon told by the other alone', async () => {
  const s = await hearsOneFromBob()
  await connect(s, s.alice, s.carol)
  await say(s, s.alice, 'Two')
  expect(s.came.filter((what) => what.endsWith('fresh')).sort()).toEqual(['Alice: fresh', 'Bob: fresh'])
  await say(s, s.alice, 'Three')
  expect(s.came.filter((what) => what.endsWith('fresh'))).toEqual(['Alice: fresh'])
})

test('S24 where the one who was asked stays silent, the next who told of it is asked', async () => {
  const s = await scene()
  part(s.alice, s.carol)
  await s.room.pass(1)
  // Whoever of the two is asked first keeps silent.
  const carol = s.carol.engine.peers, frames: string[] = []
  const answer = vi.spyOn(s.bob.engine.peers, 'onRows').mockImplementation(() => { frames.push('Bob kept silent') })
  const other = vi.spyOn(s.mallory.engine.peers, 'onRows').mockImplementation(() => { frames.push('Mallory kept silent'); answer.mockRestore() })
  await say(s, s.alice, 'One')
  expect(frames).toHaveLength(1)
  answer.mockRestore()
  other.mockRestore()
  await s.room.pass(2 * LATE_AFTER_MS)
  expect(carol.devices(s.space).size).toBe(2)
  expect(await texts(s, s.carol)).toEqual(['One'])
})

test('S24 news without an end doesn\'t put off for ever what is late', async () => {
  const s = await scene(), alice = s.alice.space(s.space)
  const silence = vi.spyOn(s.alice.engine.peers, 'spread').mockReturnValue(new Set())
  await say(s, s.alice, 'One')
  silence.mockRestore()
  const told = [{ channel: s.channel, chains: [{ device: alice.names.of(alice.me.device), chanSeq: 1, head: alice.log.head(s.channel, alice.me.device)?.id.slice(0, 16) as string }] }]
  await s.room.pass(1)
  sendFrame(s.alice, s.bob, { type: 'vector', token: sessionToken(s.alice, s.bob, s.space), told, asks: false })
  await s.room.pass(1)
  expect(await texts(s, s.bob)).toEqual(['One'])
  for (let n = 0; n < 8; n++) {
    sendFrame(s.bob, s.carol, { type: 'vector', token: sessionToken(s.bob, s.carol, s.space), told, asks: false })
    await s.room.pass(LATE_AFTER_MS / 4)
  }
  expect(await texts(s, s.carol)).toEqual(['One'])
})

test('S24 nobody is told of a channel that is not for them', async () => {
  const s = await scene()
  s.room.isSilent = false
  const { channel } = await s.room.ask(s.alice, { type: 'create-channel', space: s.space, name: 'Surprise', readers: { members: [s.bob.space(s.space).me.identity], roles: [] } })
  await s.room.pass(10_000)
  const told: string[] = []
  s.room.seesFrame = (bytes, _from, to) => { const frame = decodeFrame(bytes); if (to === s.carol && frame?.type === 'vector') told.push(...frame.told.map((one) => one.channel)) }
  await s.room.ask(s.alice, { type: 'send-message', space: s.space, channel, text: 'A cake' })
  await s.room.ask(s.alice, { type: 'send-message', space: s.space, channel: s.channel, text: 'Nothing' })
  await s.room.pass(1000)
  expect(s.bob.space(s.space).log.digest(channel)).toBe(s.alice.space(s.space).log.digest(channel))
  expect(new Set(told)).toEqual(new Set([s.channel]))
})
