/**
 * Parcels that came before the key they are sealed under. Anybody who can post to a topic may make up such, those too who were removed and know an old one: so there is room for some, the
 * topic that has most of it gives way with its oldest, and nobody can crowd out what comes by the topics that they don't know. What was let go was never had: a comparison brings it again.
 *
 *   unopened/<space>   when it came (a number of its own), topic -> the parcel; in rows from before without the topic
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { decodeEnvelope } from '../../wire/envelope.ts'
import type { SpaceId } from '../../wire/ids.ts'
import { MAX_UNOPENED, MAX_UNOPENED_BYTES, PARCELS_KEPT_MS } from '../limits.ts'
import type { Turn } from '../turn.ts'

interface Waiting { readonly id: string; readonly topic: string; readonly hint: string; readonly bytes: number }

export class Unopened {
  /** By number, the oldest first. */
  private readonly waiting = new Map<number, Waiting>()
  private readonly byHint = new Map<string, Set<number>>()
  private readonly ids = new Set<string>()
  private bytes = 0
  private next = 1
  private readonly idOf: (parcel: Uint8Array) => string
  readonly partition: string

  constructor(space: SpaceId, idOf: (parcel: Uint8Array) => string) {
    this.partition = `unopened/${space}`
    this.idOf = idOf
  }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      const hint = decodeEnvelope(value)?.hint
      if (hint !== undefined && key.length >= 8) this.note(fromU64(key), { id: this.idOf(value), topic: toHex(key.subarray(8)), hint: toHex(hint), bytes: value.length })
    }
  }

  private note(n: number, one: Waiting): void {
    this.waiting.set(n, one)
    this.ids.add(one.id)
    this.byHint.set(one.hint, (this.byHint.get(one.hint) ?? new Set()).add(n))
    this.bytes += one.bytes
    this.next = Math.max(this.next, n + 1)
  }

  keep(turn: Turn, topic: string, parcel: Uint8Array): void {
    const hint = decodeEnvelope(parcel)?.hint, id = this.idOf(parcel)
    if (hint === undefined || this.ids.has(id)) return
    const n = Math.max(this.next, turn.now), one: Waiting = { id, topic, hint: toHex(hint), bytes: parcel.length }
    this.note(n, one)
    turn.out.put(this.partition, keyOf(n, one), parcel)
    while (this.waiting.size > MAX_UNOPENED) this.letGo(turn, () => 1)
    while (this.bytes > MAX_UNOPENED_BYTES) this.letGo(turn, ({ bytes }) => bytes)
  }

  /** The oldest of the topic that takes most of what is short. */
  private letGo(turn: Turn, measure: (one: Waiting) => number): void {
    const topics = new Map<string, { sum: number; readonly oldest: number }>()
    for (const [n, one] of this.waiting) {
      const known = topics.get(one.topic)
      if (known === undefined) topics.set(one.topic, { sum: measure(one), oldest: n }); else known.sum += measure(one)
    }
    let most: { readonly sum: number; readonly oldest: number } | undefined
    for (const one of topics.values()) if (most === undefined || one.sum > most.sum) most = one
    if (most !== undefined) this.drop(turn, most.oldest)
  }

  private drop(turn: Turn, n: number): void {
    const one = this.forget(n)
    if (one !== undefined) turn.out.delete(this.partition, keyOf(n, one))
  }

  private forget(n: number): Waiting | undefined {
    const one = this.waiting.get(n)
    if (one === undefined) return undefined
    this.waiting.delete(n)
    this.ids.delete(one.id)
    this.bytes -= one.bytes
    const same = this.byHint.get(one.hint)
    same?.delete(n)
    if (same?.size === 0) this.byHint.delete(one.hint)
    return one
  }

  /** What waited as long as relays keep parcels waits in vain. Numbers are times, so that they show when something came. */
  expire(turn: Turn): void { for (const n of [...this.waiting.keys()]) if (n < turn.now - PARCELS_KEPT_MS) this.drop(turn, n) }

  /** Those under keys that are here now; they are forgotten here and taken off the disk by whoever reads them, so the caller must read them in this step. */
  takeOpenable(isHere: (hint: Uint8Array) => boolean): number[] {
    const out = [...this.byHint].flatMap(([hint, numbers]) => (isHere(fromHex(hint) as Uint8Array) ? [...numbers] : []))
    for (const n of out) this.forget(n)
    return out.sort((a, b) => a - b)
  }
}

const keyOf = (n: number, { topic }: Waiting): Uint8Array => concat(u64(n), fromHex(topic) as Uint8Array)
