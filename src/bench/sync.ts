/**
 * Catching up with a peer: two engines, their frames carried in memory and counted. What is missing is found by comparing version vectors, so a
 * million ops that both have cost as much as none.
 */
import { deflateSync } from 'fflate'
import { type Person, readFrom } from '../engine/engines.test-support.ts'
import { Log } from '../engine/log/log.ts'
import type { Input, Step } from '../engine/input.ts'
import { toySuite } from '../engine/space/village.test-support.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'
import { decodeFrame } from '../wire/frame.ts'
import type { ChannelId, DeviceId, OpId } from '../wire/ids.ts'
import { decodeVector, encodeVector } from '../wire/vector.ts'
import { AUTHORS, Circle } from './circle.ts'
import { sentences } from './language.ts'
import { type Figure, median, worked } from './table.ts'

/** Ops that both have: the part of them that each author wrote. */
const HISTORY = 1_000_000
const ROUNDS = 9

export async function benchSync(missing: readonly number[], authors = AUTHORS): Promise<Figure[]> {
  const circle = await Circle.gather(authors)
  const [alice, bob] = circle.people as [Person, Person]
  circle.lived(HISTORY / circle.people.length)
  const figures: Figure[] = []
  const sentence = sentences()
  for (const count of missing) {
    const texts: string[] = []
    const ops = await circle.say(count, () => { texts.push(sentence()); return texts[texts.length - 1] as string })
    // Bob has what he wrote himself.
    await circle.give(alice, ops)
    const others = ops.filter((op) => op.header.device !== circle.replica(bob).me.device)
    const before = held(circle, bob)
    const met = await meet(circle, alice, bob)
    if (held(circle, bob) - before !== others.length) throw new Error(`Bob got ${held(circle, bob) - before} of ${others.length}`)
    const note = (what: string, value: number, unit: string): void => { figures.push({ what, value, unit, at: count }) }
    note('bytes, both ways', met.bytes, 'B')
    if (count > 0) {
      const least = deflateSync(new TextEncoder().encode(texts.join('\n')), { level: 9 }).length / texts.length
      note('bytes a missing op', met.bytes / others.length, 'B')
      note('floor: its text, deflated with all others', least, 'B')
      note('the same ops as they are signed and kept', others.reduce((sum, op) => sum + op.bytes.length, 0) / others.length, 'B')
    }
    note('round trips, from hello to the last of them', (met.depth - 1) / 2, '')
    note('CPU of who lacks them', met.ms.bob, 'ms')
    note('CPU of who has them', met.ms.alice, 'ms')
  }
  return figures
}

/** What one message costs on the line to each who is connected, from Enter to its last reader: the frame that tells it, beside its text and the op as it is signed and kept. */
export async function benchFresh(authors = AUTHORS, messages = ROUNDS): Promise<Figure[]> {
  const circle = await Circle.gather(authors)
  const [alice] = circle.people as [Person]
  const sentence = sentences(), over: number[] = []
  let text = ''
  circle.room.seesFrame = (bytes, from) => { if (from === alice && decodeFrame(bytes)?.type === 'fresh') over.push(bytes.length - new TextEncoder().encode(text).length) }
  for (let n = 0; n < messages; n++) {
    text = sentence()
    await circle.room.ask(alice, { type: 'send-message', space: circle.space, channel: circle.channel, text })
  }
  if (over.length !== messages * (authors - 1)) throw new Error(`${over.length} frames told ${messages} messages to ${authors - 1}`)
  return [{ what: 'a fresh message over its text', value: median(over), unit: 'B', beside: 'Signal 103, MLS 194, Megolm 455 for the cipher alone' }]
}

function held(circle: Circle, person: Person): number {
  return circle.replica(person).log.vector().filter((e) => e.channel === circle.channel).reduce((sum, e) => sum + e.chanSeq, 0)
}

/** `depth`: frames of which each was sent because of the one before, up to the last with ops. */
interface Met { bytes: number; depth: number; readonly ms: { alice: number; bob: number } }

/** Two connect anew, and do all that follows. Nothing else of the world reaches them. */
async function meet(circle: Circle, alice: Person, bob: Person): Promise<Met> {
  const met: Met = { bytes: 0, depth: 1, ms: { alice: 0, bob: 0 } }
  const queues = new Map<Person, { readonly input: Input; readonly depth: number }[]>([[alice, []], [bob, []]])
  const others = (person: Person): Person => (person === alice ? bob : alice)
  for (const [person, queue] of queues) {
    for (const other of circle.people) if (other !== person) queue.push({ input: { type: 'peer-down', peer: other.peer }, depth: 0 })
    queue.push({ input: { type: 'peer-up', peer: others(person).peer, path: 'direct' }, depth: 0 })
  }
  for (let busy = true; busy;) {
    busy = false
    for (const [person, queue] of queues) {
      const next = queue.shift()
      if (next === undefined) continue
      const { input, depth } = next
      busy = true
      let step: Step | undefined
      met.ms[person === alice ? 'alice' : 'bob'] += await worked(async () => { step = await person.engine.step(input, circle.room.now) })
      if (step === undefined) throw new Error('the engine did nothing')
      await person.disk.save(step.saves)
      const rows: Input[] = []
      for (const read of step.reads) rows.push(await readFrom(person.disk, read))
      queue.unshift(...rows.map((row) => ({ input: row, depth })))
      for (const send of step.sends) {
        if (send.type !== 'frame' || send.peer !== others(person).peer) continue
        met.bytes += send.bytes.length
        if (person === alice && decodeFrame(send.bytes)?.type === 'ops') met.depth = depth + 1
        queues.get(others(person))?.push({ input: { type: 'frame', peer: person.peer, bytes: send.bytes }, depth: depth + 1 })
      }
    }
  }
  return met
}

/** A whole vector told and compared, nothing missing, by how many chains (devices times channels) a space has. */
export async function benchVectors(sizes: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const chains of sizes) {
    const log = new Log(toySuite)
    const channels = Math.max(1, Math.round(chains / 100))
    for (let n = 0; n < chains; n++) {
      const channel = (n % channels).toString(16).padStart(32, '0') as ChannelId, device = Math.floor(n / channels).toString(16).padStart(64, '0') as DeviceId
      log.restoreTip(channel, device, { chanSeq: 1 + n, seq: 1 + n, id: n.toString(16).padEnd(64, 'f') as OpId, hlc: 0, branch: undefined })
    }
    const encode = (): Uint8Array => encodeCbor(encodeVector(log.vector()))
    const bytes = encode()
    const compare = (): void => {
      const vector = decodeVector(decodeCbor(bytes, bytes.length))
      if (vector?.length !== chains || vector.some((e) => log.lacks(e, false) !== undefined)) throw new Error('the vector was not understood')
    }
    const telling: number[] = [], comparing: number[] = []
    for (let n = 0; n < ROUNDS; n++) { telling.push(await worked(encode)); comparing.push(await worked(compare)) }
    figures.push({ what: 'vector', value: bytes.length, unit: 'B', at: chains }, { what: 'tell it', value: median(telling), unit: 'ms', at: chains }, { what: 'compare it', value: median(comparing), unit: 'ms', at: chains })
  }
  return figures
}
