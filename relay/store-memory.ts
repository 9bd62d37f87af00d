/** Parcels in memory: for tests and the simulator, behind the same contract as the one on disk. */
import { toHex } from '../src/wire/bytes.ts'
import type { StoredParcel } from '../src/wire/relay.ts'
import type { Entry, Store, TopicEnd } from './mailbox.ts'

export function openMemoryStore(): Store {
  const topics = new Map<string, { end: TopicEnd; entries: Entry[]; found: Map<string, number> }>()
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
    append(entries) {
      for (const entry of entries) {
        const box = topics.get(entry.topic) ?? { end: { cursor: 0, hash: entry.hash, bytes: 0 }, entries: [], found: new Map<string, number>() }
        box.entries.push(entry)
        box.found.set(toHex(entry.parcelHash), entry.cursor)
        box.end = { cursor: entry.cursor, hash: entry.hash, bytes: box.end.bytes + entry.bytes.length }
        topics.set(entry.topic, box)
        total += entry.bytes.length
      }
    },
    totalBytes: () => total,
    expire(at) {
      let dropped = 0
      for (const box of topics.values()) {
        const gone = box.entries.filter((e) => e.at < at)
        if (gone.length === 0) continue
        const bytes = gone.reduce((sum, e) => sum + e.bytes.length, 0)
        box.entries = box.entries.filter((e) => e.at >= at)
        for (const e of gone) box.found.delete(toHex(e.parcelHash))
        box.end = { ...box.end, bytes: box.end.bytes - bytes }
        total -= bytes
        dropped += gone.length
      }
      return dropped
    },
    close() {},
  }
}
