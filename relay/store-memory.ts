/** Parcels in memory: for tests and the simulator, behind the same contract as the one on disk. */
import { concat, equal, toHex } from '../src/wire/bytes.ts'
import { ID_BYTES } from '../src/wire/rateless.ts'
import type { StoredParcel } from '../src/wire/relay.ts'
import { type Entry, sizeOf, type Store, type TopicEnd } from './mailbox.ts'

export function openMemoryStore(): Store {
  const topics = new Map<string, { end: TopicEnd; at: number; entries: Entry[]; found: Map<string, number> }>()
  let total = 0
  return {
    end: (topic) => topics.get(topic)?.end,
    find: (topic, parcelHash) => topics.get(topic)?.found.get(toHex(parcelHash)),
    page(topic, since, maxParcels, maxBytes) {
      const out: StoredParcel[] = []
      let size = 0
      for (const { cursor, bytes } of topics.get(topic)?.entries ?? []) {
        if (cursor <= since) continue
        if (out.length >= maxParcels || (out.length > 0 && size + bytes.length > maxBytes)) break
        out.push({ cursor, bytes })
        size += bytes.length
      }
      return out
    },
    ids(topic, since, upTo, max) {
      const found = (topics.get(topic)?.entries ?? []).filter(({ cursor }) => cursor > since && cursor <= upTo).slice(0, max)
      return { ids: concat(...found.map(({ parcelHash }) => parcelHash.subarray(0, ID_BYTES))), last: found.at(-1)?.cursor ?? since }
    },
    byId(topic, id) {
      const entry = topics.get(topic)?.entries.find(({ parcelHash }) => equal(parcelHash.subarray(0, ID_BYTES), id))
      return entry === undefined ? undefined : { cursor: entry.cursor, bytes: entry.bytes }
    },
    append(entries) {
      for (const entry of entries) {
        const box = topics.get(entry.topic) ?? { end: { cursor: 0, hash: entry.hash, bytes: 0 }, at: 0, entries: [], found: new Map<string, number>() }
        box.entries.push(entry)
        box.found.set(toHex(entry.parcelHash), entry.cursor)
        box.end = { cursor: entry.cursor, hash: entry.hash, bytes: box.end.bytes + sizeOf(entry.bytes) }
        box.at = entry.at
        topics.set(entry.topic, box)
        total += sizeOf(entry.bytes)
      }
    },
    totalBytes: () => total,
    expire(at, emptyAt, max) {
      const gone = [...topics.values()].flatMap((box) => box.entries.filter((e) => e.at < at)).sort((a, b) => a.at - b.at).slice(0, max)
      for (const entry of gone) {
        const box = topics.get(entry.topic)
        if (box === undefined) continue
        box.entries = box.entries.filter((e) => e !== entry)
        box.found.delete(toHex(entry.parcelHash))
        box.end = { ...box.end, bytes: box.end.bytes - sizeOf(entry.bytes) }
        total -= sizeOf(entry.bytes)
      }
      for (const [topic, box] of topics) if (box.entries.length === 0 && box.at < emptyAt) topics.delete(topic)
      return gone.length
    },
    close() {},
  }
}
