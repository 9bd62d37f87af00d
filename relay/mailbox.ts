/**
 * The mailbox: append-only parcels per opaque topic, read since a cursor. Pure: storage and hashing come from outside, time is an argument.
 * Who may write and read was proved before (proof.ts); nothing here can tell a space, an author or a text.
 */
import { concat, toHex } from '../src/wire/bytes.ts'
import { type Ask, type FetchAnswer, MAX_LISTED, type Told } from '../src/wire/compare.ts'
import { Coder, ID_BYTES, storeOf, SYMBOL_BYTES } from '../src/wire/rateless.ts'
import { MAX_PAGE_BYTES, MAX_PAGE_PARCELS, MAX_PARCEL_BYTES, NO_HASH, type StoredParcel } from '../src/wire/relay.ts'
import { Bucket, Buckets } from './bucket.ts'

/** The end of a topic: last cursor given out and the rolling hash over all parcels up to it. They outlive expired parcels. */
export interface TopicEnd { readonly cursor: number; readonly hash: Uint8Array; readonly bytes: number }
export interface Entry { readonly topic: string; readonly cursor: number; readonly parcelHash: Uint8Array; readonly hash: Uint8Array; readonly bytes: Uint8Array; readonly at: number }

/** What a parcel takes in the store beside its bytes: without it, tiny parcels would fill a disk far beyond the limit. */
export const PARCEL_OVERHEAD_BYTES = 256
export const sizeOf = (bytes: Uint8Array): number => bytes.length + PARCEL_OVERHEAD_BYTES

/** Where parcels are kept. `append` is one durable transaction. Bytes are counted by `sizeOf`. */
export interface Store {
  end(topic: string): TopicEnd | undefined
  find(topic: string, parcelHash: Uint8Array): number | undefined
  page(topic: string, since: number, maxParcels: number, maxBytes: number): StoredParcel[]
  append(entries: readonly Entry[]): void
  /** Ids (wire/compare.ts) of up to `max` parcels after a cursor and up to another, one after the other in their order; the cursor of the last. */
  ids(topic: string, since: number, upTo: number, max: number): { readonly ids: Uint8Array; readonly last: number }
  byId(topic: string, id: Uint8Array): StoredParcel | undefined
  totalBytes(): number
  /** Drops up to `max` parcels kept since before `at`, then ends of topics that lay empty since before `emptyAt`; returns how many parcels. */
  expire(at: number, emptyAt: number, max: number): number
  close(): void
}

export interface MailboxLimits {
  /** Bytes one topic may hold, and all of them together. */
  readonly topicBytes: number
  readonly totalBytes: number
  /** Parcels a second and at once, per topic. */
  readonly rate: number
  readonly burst: number
  readonly keepMs: number
}

export const DEFAULT_LIMITS: MailboxLimits = { topicBytes: 512 * 1024 * 1024, totalBytes: 20 * 1024 ** 3, rate: 20, burst: 200, keepMs: 90 * 24 * 3600_000 }

export interface Posting { readonly topic: string; readonly parcel: Uint8Array }
export type Posted =
  | { readonly type: 'kept'; readonly cursor: number; readonly fresh: boolean }
  | { readonly type: 'slow-down'; readonly afterMs: number }
  | { readonly type: 'topic-full' }
  | { readonly type: 'relay-full' }
  | { readonly type: 'too-large' }

/** Ids looked at for comparisons, a second and at once: making symbols of 200,000 takes some 50 ms. By one topic, and by all. */
const COMPARED_BY_ONE = { rate: 50_000, burst: 2_000_000 }
const COMPARED_BY_ALL = { rate: 1_000_000, burst: 4_000_000 }
/** What a comparison costs at least, in ids: its signature's check. */
const LEAST_COMPARED = 1000
/** Topics of more parcels are listed: symbols of them would hold up everybody else. */
export const MAX_CODED = 200_000
const EXPIRE_AT_ONCE = 500

export type Compared =
  | { readonly type: 'told'; readonly upTo: number; readonly told: Told }
  | { readonly type: 'changed' }
  | { readonly type: 'slow-down'; readonly afterMs: number }

export class Mailbox {
  private readonly store: Store
  private readonly sha256: (bytes: Uint8Array) => Uint8Array
  private readonly limits: MailboxLimits
  private readonly posts: Buckets
  private readonly compares = new Buckets(COMPARED_BY_ONE)
  private readonly allCompares = new Bucket(COMPARED_BY_ALL, 0)

  constructor(store: Store, sha256: (bytes: Uint8Array) => Uint8Array, limits: MailboxLimits = DEFAULT_LIMITS) {
    this.store = store
    this.sha256 = sha256
    this.limits = limits
    this.posts = new Buckets(limits)
  }

  /** Keeps what came together in one transaction; when this returns, every 'kept' is durable. Throws only when the store does, and then nothing was kept. */
  post(postings: readonly Posting[], now: number): Posted[] {
    const entries: Entry[] = []
    const ends = new Map<string, TopicEnd>()
    const batch = new Map<string, number>()
    let total = this.store.totalBytes()
    const results = postings.map(({ topic, parcel }): Posted => {
      if (parcel.length > MAX_PARCEL_BYTES) return { type: 'too-large' }
      const parcelHash = this.sha256(parcel)
      const key = topic + toHex(parcelHash)
      const known = this.store.find(topic, parcelHash) ?? batch.get(key)
      if (known !== undefined) return { type: 'kept', cursor: known, fresh: false }
      const end = ends.get(topic) ?? this.end(topic)
      if (end.bytes + sizeOf(parcel) > this.limits.topicBytes) return { type: 'topic-full' }
      if (total + sizeOf(parcel) > this.limits.totalBytes) return { type: 'relay-full' }
      const wait = this.posts.of(topic, now).take(now)
      if (wait > 0) return { type: 'slow-down', afterMs: wait }
      const cursor = end.cursor + 1
      const hash = this.sha256(concat(end.hash, parcelHash))
      entries.push({ topic, cursor, parcelHash, hash, bytes: parcel, at: now })
      ends.set(topic, { cursor, hash, bytes: end.bytes + sizeOf(parcel) })
      batch.set(key, cursor)
      total += sizeOf(parcel)
      return { type: 'kept', cursor, fresh: true }
    })
    if (entries.length > 0) this.store.append(entries)
    return results
  }

  end(topic: string): TopicEnd { return this.store.end(topic) ?? { cursor: 0, hash: NO_HASH, bytes: 0 } }

  /** Parcels after a cursor; at the end, `next` is the topic's end even where parcels have expired. A cursor beyond the end reads nothing. */
  read(topic: string, since: number): { readonly parcels: readonly StoredParcel[]; readonly next: number; readonly end: boolean } {
    const { cursor } = this.end(topic)
    if (since >= cursor) return { parcels: [], next: cursor, end: true }
    const parcels = this.store.page(topic, since, MAX_PAGE_PARCELS, MAX_PAGE_BYTES)
    const next = parcels[parcels.length - 1]?.cursor ?? cursor
    return { parcels, next, end: next >= cursor }
  }

  /** One answer of a comparison (wire/compare.ts). 'changed' when the topic has fewer parcels than it was said to have. */
  compare(topic: string, upTo: number, ask: Ask, now: number): Compared {
    const end = this.end(topic).cursor
    if (upTo > end) return { type: 'changed' }
    const to = upTo === 0 ? end : upTo
    const since = ask.type === 'ids' ? ask.since : 0
    const buckets = [this.compares.of(topic, now), this.allCompares]
    const wait = Math.max(...buckets.map((bucket) => bucket.take(now, LEAST_COMPARED)))
    if (wait > 0) return { type: 'slow-down', afterMs: wait }
    const { ids, last } = this.store.ids(topic, since, to, ask.type === 'ids' ? MAX_LISTED : MAX_CODED + 1)
    const size = ids.length / ID_BYTES
    for (const bucket of buckets) bucket.owe(size)
    if (ask.type === 'symbols' && size <= MAX_CODED && ids.length > ask.count * SYMBOL_BYTES) {
      const coder = new Coder(storeOf(ids), ask.seed)
      coder.skip(ask.from)
      return { type: 'told', upTo: to, told: { type: 'symbols', symbols: coder.block(ask.count) } }
    }
    const isAll = ask.type === 'ids' ? size < MAX_LISTED : size <= MAX_LISTED
    const list = isAll ? { ids, last } : this.store.ids(topic, since, to, MAX_LISTED)
    return { type: 'told', upTo: to, told: { type: 'ids', ids: list.ids, next: isAll ? to : list.last, end: isAll } }
  }

  /** Those there are of the first so many ids, as many as a page holds. */
  fetch(topic: string, ids: Uint8Array): FetchAnswer {
    const parcels: StoredParcel[] = []
    let size = 0, looked = 0
    for (; looked * ID_BYTES < ids.length && size < MAX_PAGE_BYTES; looked++) {
      const parcel = this.store.byId(topic, ids.subarray(looked * ID_BYTES, (looked + 1) * ID_BYTES))
      if (parcel === undefined) continue
      if (parcels.length > 0 && size + parcel.bytes.length > MAX_PAGE_BYTES) break
      parcels.push(parcel)
      size += parcel.bytes.length
    }
    return { parcels, looked }
  }

  /** Drops what is too old, a bounded piece at a time so that nobody waits for it: call again while this is true. */
  expire(now: number): boolean {
    const { keepMs } = this.limits
    return this.store.expire(now - keepMs, now - 2 * keepMs, EXPIRE_AT_ONCE) === EXPIRE_AT_ONCE
  }
}
