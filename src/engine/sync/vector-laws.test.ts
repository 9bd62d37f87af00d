/** Version vectors as a data type: what comes of two devices that tell each other theirs depends neither on who tells first, nor on how often, nor on who else has told. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toHex } from '../../wire/bytes.ts'
import type { ChannelId, DeviceId, SpaceId } from '../../wire/ids.ts'
import { decodeOp, encodeHeader, encodeOp, type Op } from '../../wire/op.ts'
import type { Vector } from '../../wire/vector.ts'
import { Log } from '../log/log.ts'
import { Out } from '../out.ts'
import { Delivery } from './delivery.ts'

const LONGEST = 5
const suite = { sha256: (...parts: readonly Uint8Array[]) => sha256(concat(...parts)) } as unknown as ConstructorParameters<typeof Log>[0]
const space = 'ab'.repeat(32) as SpaceId
const id = <T extends string>(length: number, fill: number): T => toHex(new Uint8Array(length).fill(fill)) as T
const PLACES = [1, 2].flatMap((channel) => [1, 2, 3].map((device) => ({ channel: id<ChannelId>(16, channel), device: id<DeviceId>(32, device) })))

/** Whoever signed is not the log's to look at. */
function chainAt({ channel, device }: typeof PLACES[number]): Op[] {
  const out: Op[] = []
  for (let n = 1; n <= LONGEST; n++) {
    const prev = out[n - 2]?.id, body = new Uint8Array([n])
    const header = encodeHeader({
      space, audience: 0, channel, device, seq: n, prev, chanSeq: n, chanPrev: prev, deps: [], type: 'message', hlc: n, kid: undefined, epoch: undefined, bodyHash: sha256(body),
    })
    out.push(decodeOp(encodeOp(header, body, new Uint8Array(64)), sha256) as Op)
  }
  return out
}
const CHAINS = PLACES.map(chainAt)

/** How much of each chain somebody holds. */
type Held = readonly number[]
const held = fc.array(fc.nat(LONGEST), { minLength: CHAINS.length, maxLength: CHAINS.length })

function logOf(lengths: Held): Log {
  const log = new Log(suite)
  CHAINS.forEach((chain, n) => { for (const op of chain.slice(0, lengths[n])) log.add(op) })
  return log
}

/** Takes what somebody's vector shows that is lacking, and gives how much of each chain is held then. */
function merged(ours: Held, theirs: Held): Held {
  const log = logOf(ours)
  for (const entry of logOf(theirs).vector()) {
    const lacks = log.lacks(entry, false)
    const chain = CHAINS[PLACES.findIndex(({ channel, device }) => channel === entry.channel && device === entry.device)] ?? []
    for (const op of lacks === undefined ? [] : chain.slice(lacks.from - 1, lacks.to)) log.add(op)
  }
  return PLACES.map(({ channel, device }) => log.head(channel, device)?.chanSeq ?? 0)
}
const shown = (lengths: Held): Vector => logOf(lengths).vector()
const digests = (lengths: Held): unknown => PLACES.map(({ channel }) => logOf(lengths).digest(channel))

test('merging is commutative, associative and idempotent, and loses nothing', () => {
  fc.assert(fc.property(held, held, held, (a, b, c) => {
    expect(merged(a, b)).toEqual(merged(b, a))
    expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)))
    expect(merged(a, a)).toEqual(a)
    expect(merged(merged(a, b), b)).toEqual(merged(a, b))
    expect(merged(a, b)).toEqual(a.map((n, i) => Math.max(n, b[i] ?? 0)))
  }), { numRuns: 60 })
})

test('a vector shows something lacking exactly where it reaches further, and digests are equal exactly where vectors are', () => {
  fc.assert(fc.property(held, held, (a, b) => {
    const log = logOf(a)
    const lacking = shown(b).filter((entry) => log.lacks(entry, false) !== undefined).length
    expect(lacking).toBe(b.filter((n, i) => n > (a[i] ?? 0)).length)
    expect(JSON.stringify(digests(a)) === JSON.stringify(digests(b))).toBe(JSON.stringify(shown(a)) === JSON.stringify(shown(b)))
  }), { numRuns: 100 })
})

test('what is known of who holds what is the furthest that was told, in whatever order and however often', () => {
  const news = fc.array(fc.record({ place: fc.nat(PLACES.length - 1), chanSeq: fc.integer({ min: 1, max: 9 }) }), { maxLength: 12 })
  const known = (told: readonly { readonly place: number; readonly chanSeq: number }[]): unknown => {
    const delivery = new Delivery(space), turn = { now: 0, out: new Out() }
    for (const { place, chanSeq } of told) {
      const { channel, device } = PLACES[place] as typeof PLACES[number]
      delivery.note(turn, channel, device, chanSeq)
    }
    return PLACES.map(({ channel }) => delivery.keptElsewhere(channel))
  }
  fc.assert(fc.property(news, fc.nat(), (told, seed) => {
    const shuffled = told.map((one, n) => ({ one, at: (n * 7919 + seed) % 13 })).sort((x, y) => x.at - y.at).map(({ one }) => one)
    expect(known(shuffled)).toEqual(known(told))
    expect(known([...told, ...shuffled, ...told])).toEqual(known(told))
  }))
})
