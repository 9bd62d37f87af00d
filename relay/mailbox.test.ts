/** The mailbox on both stores: what they promise alike, a random history beside a naive list, limits, and what expiry leaves. */
import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { concat, toHex } from '../src/wire/bytes.ts'
import type { Ask, Told } from '../src/wire/compare.ts'
import { Comparison, packed } from '../src/wire/comparison.ts'
import { ID_BYTES } from '../src/wire/rateless.ts'
import { MAX_PAGE_BYTES, MAX_PAGE_PARCELS, MAX_PARCEL_BYTES, NO_HASH } from '../src/wire/relay.ts'
import { DEFAULT_LIMITS, Mailbox, type MailboxLimits, PARCEL_OVERHEAD_BYTES, type Posted, type Store } from './mailbox.ts'
import { sha256 } from './proof.ts'
import { openMemoryStore } from './store-memory.ts'
import { openSqliteStore } from './store-sqlite.ts'

const ALICE = 'a'.repeat(32), BOB = 'b'.repeat(32)
const parcel = (...fill: number[]): Uint8Array => Uint8Array.from(fill)
const DAY = 24 * 3600_000

const folders: string[] = []
const stores: Store[] = []
afterEach(() => {
  for (const store of stores.splice(0)) store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
function keep(store: Store): Store { stores.push(store); return store }
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'relay-'))
  folders.push(made)
  return made
}

describe.each([
  ['memory', () => keep(openMemoryStore())],
  ['SQLite', () => keep(openSqliteStore(folder()))],
])('a mailbox in %s', (_, open) => {
  const mailbox = (limits: Partial<MailboxLimits> = {}): Mailbox => new Mailbox(open(), sha256, { ...DEFAULT_LIMITS, ...limits })
  const post = (box: Mailbox, topic: string, bytes: Uint8Array, now = 0): Posted => box.post([{ topic, parcel: bytes }], now)[0] as Posted
  const readAll = (box: Mailbox, topic: string, since = 0): number[] => {
    const out: number[] = []
    for (let at = since, end = false; !end;) {
      const page = box.read(topic, at)
      out.push(...page.parcels.map((p) => p.cursor))
      at = page.next
      end = page.end
    }
    return out
  }

  test('gives back what was posted, in order, per topic, after a cursor', () => {
    const box = mailbox()
    expect([parcel(1), parcel(2), parcel(3)].map((p) => post(box, ALICE, p))).toEqual([1, 2, 3].map((cursor) => ({ type: 'kept', cursor, fresh: true })))
    expect(post(box, BOB, parcel(1))).toEqual({ type: 'kept', cursor: 1, fresh: true })
    expect(box.read(ALICE, 1)).toEqual({ parcels: [{ cursor: 2, bytes: parcel(2) }, { cursor: 3, bytes: parcel(3) }], next: 3, end: true })
    expect(box.read(ALICE, 3)).toEqual({ parcels: [], next: 3, end: true })
    expect(box.read(ALICE, 99)).toEqual({ parcels: [], next: 3, end: true })
    expect(box.read('c'.repeat(32), 0)).toEqual({ parcels: [], next: 0, end: true })
  })

  test('keeps the same parcel once, also when it comes twice in one batch', () => {
    const box = mailbox()
    const twice = box.post([{ topic: ALICE, parcel: parcel(1) }, { topic: ALICE, parcel: parcel(1) }], 0)
    expect(twice).toEqual([{ type: 'kept', cursor: 1, fresh: true }, { type: 'kept', cursor: 1, fresh: false }])
    expect(post(box, ALICE, parcel(1))).toEqual({ type: 'kept', cursor: 1, fresh: false })
    expect(readAll(box, ALICE)).toEqual([1])
  })

  test('rolls a hash over everything it ever kept', () => {
    const box = mailbox({ keepMs: DAY })
    expect(box.end(ALICE)).toEqual({ cursor: 0, hash: NO_HASH, bytes: 0 })
    let hash = NO_HASH
    for (const n of [1, 2, 3]) {
      post(box, ALICE, parcel(n), n)
      hash = sha256(concat(hash, sha256(parcel(n))))
      expect(box.end(ALICE)).toEqual({ cursor: n, hash, bytes: n * (1 + PARCEL_OVERHEAD_BYTES) })
    }
    box.expire(DAY + 100)
    expect(box.end(ALICE)).toEqual({ cursor: 3, hash, bytes: 0 })
  })

  test('drops what is old, keeps the cursors after it, and says where reading goes on', () => {
    const box = mailbox({ keepMs: DAY })
    post(box, ALICE, parcel(1), 0)
    post(box, ALICE, parcel(2), DAY)
    expect(box.expire(DAY + 1)).toBe(false)
    expect(readAll(box, ALICE)).toEqual([2])
    expect(post(box, ALICE, parcel(1), DAY + 2)).toEqual({ type: 'kept', cursor: 3, fresh: true })
    box.expire(3 * DAY)
    expect(box.read(ALICE, 1)).toEqual({ parcels: [], next: 3, end: true })
    expect(post(box, ALICE, parcel(4), 3 * DAY)).toEqual({ type: 'kept', cursor: 4, fresh: true })
  })

  test('forgets a topic that lay empty for as long again, so that strangers’ topics leave nothing', () => {
    const box = mailbox({ keepMs: DAY })
    post(box, ALICE, parcel(1), 0)
    box.expire(1.5 * DAY)
    expect(box.end(ALICE).cursor).toBe(1)
    box.expire(2 * DAY + 1)
    expect(box.end(ALICE).cursor).toBe(0)
  })

  test('expires many in pieces, and says when there are more', () => {
    const box = mailbox({ keepMs: DAY, burst: 2000 })
    box.post(Array.from({ length: 700 }, (_, n) => ({ topic: n % 2 ? ALICE : BOB, parcel: parcel(n >> 8, n & 255) })), 0)
    expect(box.expire(DAY + 1)).toBe(true)
    expect(readAll(box, ALICE).length + readAll(box, BOB).length).toBe(200)
    expect(box.expire(DAY + 1)).toBe(false)
    expect(readAll(box, ALICE).length + readAll(box, BOB).length).toBe(0)
  })

  test('refuses what a topic or the relay has no room for, overhead counted, and changes nothing', () => {
    const size = 10 + PARCEL_OVERHEAD_BYTES
    const box = mailbox({ topicBytes: 2 * size, totalBytes: 3 * size })
    const ten = (n: number): Uint8Array => new Uint8Array(10).fill(n)
    const results = box.post([ALICE, ALICE, ALICE, BOB, BOB].map((topic, n) => ({ topic, parcel: ten(n) })), 0)
    expect(results.map((r) => r.type)).toEqual(['kept', 'kept', 'topic-full', 'kept', 'relay-full'])
    expect([readAll(box, ALICE), readAll(box, BOB)]).toEqual([[1, 2], [1]])
    expect(post(box, ALICE, ten(0))).toEqual({ type: 'kept', cursor: 1, fresh: false })
    expect(post(box, ALICE, new Uint8Array(MAX_PARCEL_BYTES + 1))).toEqual({ type: 'too-large' })
  })

  test('slows a topic down that writes too fast, and no other', () => {
    const box = mailbox({ rate: 2, burst: 3 })
    const types = [1, 2, 3, 4].map((n) => post(box, ALICE, parcel(n), 1000))
    expect(types[3]).toEqual({ type: 'slow-down', afterMs: 500 })
    expect(post(box, BOB, parcel(4), 1000).type).toBe('kept')
    expect(post(box, ALICE, parcel(1), 1000)).toEqual({ type: 'kept', cursor: 1, fresh: false })
    expect(post(box, ALICE, parcel(4), 1499).type).toBe('slow-down')
    expect(post(box, ALICE, parcel(4), 1500).type).toBe('kept')
  })

  test('hands out pages within their limits, and a large parcel by itself', () => {
    const box = mailbox({ burst: 2000 })
    box.post(Array.from({ length: 1000 }, (_, n) => ({ topic: ALICE, parcel: parcel(n >> 8, n & 255) })), 0)
    expect(box.read(ALICE, 0).parcels.length).toBe(MAX_PAGE_PARCELS)
    expect(readAll(box, ALICE)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1))
    for (const n of [1, 2, 3]) post(box, BOB, new Uint8Array(MAX_PAGE_BYTES).fill(n))
    expect([box.read(BOB, 0).parcels.length, box.read(BOB, 0).end]).toEqual([1, false])
    expect(readAll(box, BOB)).toEqual([1, 2, 3])
  })

  test('is a list per topic, whatever happens in whatever order', () => {
    const topic = fc.constantFrom(ALICE, BOB)
    const action = fc.oneof(
      fc.record({ type: fc.constant('post' as const), batch: fc.array(fc.record({ topic, parcel: fc.uint8Array({ minLength: 1, maxLength: 2 }) }), { maxLength: 5 }) }),
      fc.record({ type: fc.constant('read' as const), topic, since: fc.nat(20) }),
      fc.record({ type: fc.constant('pass' as const), ms: fc.nat(60) }),
    )
    fc.assert(fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const box = mailbox({ keepMs: 100, rate: 1000, burst: 10_000 })
      const model = new Map([[ALICE, { last: 0, list: [] as { cursor: number; bytes: Uint8Array; at: number }[] }], [BOB, { last: 0, list: [] }]])
      let now = 0
      for (const step of actions) {
        if (step.type === 'pass') {
          now += step.ms
          // Ends are forgotten after twice the time: the model stays short of it by keeping each topic alive.
          for (const [name, t] of model) { t.last++; const bytes = parcel(7, 7, now & 255, now >> 8, t.last); t.list.push({ cursor: t.last, bytes, at: now }); post(box, name, bytes, now) }
          box.expire(now)
          for (const t of model.values()) t.list = t.list.filter((e) => e.at >= now - 100)
        } else if (step.type === 'post') {
          const expected = step.batch.map((p) => {
            const t = model.get(p.topic) as { last: number; list: { cursor: number; bytes: Uint8Array; at: number }[] }
            const known = t.list.find((e) => Buffer.from(e.bytes).equals(p.parcel))
            if (known) return { type: 'kept', cursor: known.cursor, fresh: false }
            t.list.push({ cursor: ++t.last, bytes: p.parcel, at: now })
            return { type: 'kept', cursor: t.last, fresh: true }
          })
          expect(box.post(step.batch, now)).toEqual(expected)
        } else {
          const t = model.get(step.topic) as { last: number; list: { cursor: number; bytes: Uint8Array }[] }
          const parcels = t.list.filter((e) => e.cursor > step.since).map(({ cursor, bytes }) => ({ cursor, bytes }))
          expect(box.read(step.topic, step.since)).toEqual({ parcels, next: t.last, end: true })
        }
      }
    }), { numRuns: 60 })
  })
})

describe.each([
  ['memory', () => keep(openMemoryStore())],
  ['SQLite', () => keep(openSqliteStore(folder()))],
])('a comparison with a mailbox in %s', (_, open) => {
  const idOf = (n: number): string => toHex(sha256(numbered(n)).subarray(0, ID_BYTES))
  const numbered = (n: number): Uint8Array => parcel(n & 255, n >> 8)
  function filled(from: number, to: number): Mailbox {
    const box = new Mailbox(open(), sha256, { ...DEFAULT_LIMITS, burst: 10_000 })
    box.post(Array.from({ length: to - from }, (_, n) => ({ topic: ALICE, parcel: numbered(from + n) })), 0)
    return box
  }
  function told(box: Mailbox, ask: Ask, upTo = 0, now = 0): Told {
    const result = box.compare(ALICE, upTo, ask, now)
    if (result.type !== 'told') throw new Error(result.type)
    return result.told
  }

  test('finds the parcels that Bob lacks, which he fetches, and those that the relay lacks', () => {
    const box = filled(10, 610), bob = new Comparison(packed(Array.from({ length: 600 }, (_, n) => idOf(n))), 5)
    for (let ask = bob.ask; ask !== undefined; ask = bob.ask) expect(bob.take(told(box, ask))).toBe(true)
    expect(new Set(bob.surplus)).toEqual(new Set(Array.from({ length: 10 }, (_, n) => idOf(n))))
    const lacking = packed(bob.lacking)
    const { parcels, looked } = box.fetch(ALICE, concat(lacking, sha256(parcel(9)).subarray(0, ID_BYTES)))
    expect(looked).toBe(11)
    expect(parcels.map(({ bytes }) => toHex(bytes)).sort()).toEqual(Array.from({ length: 10 }, (_, n) => toHex(numbered(600 + n))).sort())
  })

  test('is about what there was when it began', () => {
    const box = filled(0, 50)
    box.post([{ topic: ALICE, parcel: numbered(50) }], 0)
    expect(told(box, { type: 'ids', since: 0 }, 50)).toMatchObject({ next: 50, end: true, ids: packed(Array.from({ length: 50 }, (_, n) => idOf(n))) })
    expect(told(box, { type: 'ids', since: 49 })).toEqual({ type: 'ids', next: 51, end: true, ids: packed([idOf(49), idOf(50)]) })
    expect(box.compare(ALICE, 52, { type: 'ids', since: 0 }, 0)).toEqual({ type: 'changed' })
    expect(box.compare('c'.repeat(32), 0, { type: 'symbols', seed: 1, from: 0, count: 32 }, 0)).toEqual({ type: 'told', upTo: 0, told: { type: 'ids', ids: new Uint8Array(), next: 0, end: true } })
  })

  test('tells ids where they are fewer bytes than symbols', () => {
    expect(told(filled(0, 56), { type: 'symbols', seed: 1, from: 0, count: 32 }).type).toBe('ids')
    expect(told(filled(0, 57), { type: 'symbols', seed: 1, from: 0, count: 32 }).type).toBe('symbols')
  })

  test('what is fetched is a page at most', () => {
    const box = filled(0, 0)
    const large = [1, 2, 3].map((n) => new Uint8Array(MAX_PARCEL_BYTES / 2).fill(n))
    box.post(large.map((bytes) => ({ topic: ALICE, parcel: bytes })), 0)
    const ids = concat(...large.map((bytes) => sha256(bytes).subarray(0, ID_BYTES)))
    expect(box.fetch(ALICE, ids)).toMatchObject({ looked: 2, parcels: [{ cursor: 1 }, { cursor: 2 }] })
    expect(box.fetch(ALICE, ids.subarray(2 * ID_BYTES))).toMatchObject({ looked: 1, parcels: [{ cursor: 3 }] })
  })

  test('who compares without end has to wait, and others don’t', () => {
    const box = filled(0, 10)
    let asked = 0
    while (box.compare(ALICE, 0, { type: 'ids', since: 0 }, 0).type === 'told') asked++
    expect(asked).toBeGreaterThan(1000)
    expect(box.compare(ALICE, 0, { type: 'ids', since: 0 }, 0)).toMatchObject({ type: 'slow-down' })
    expect(box.compare(BOB, 0, { type: 'ids', since: 0 }, 0).type).toBe('told')
    expect(box.compare(ALICE, 0, { type: 'ids', since: 0 }, 1000).type).toBe('told')
  })
})

test('SQLite: what was kept is there after opening again, and a database of a newer relay is left alone', async () => {
  const dir = folder()
  const first = openSqliteStore(dir)
  const kept = new Mailbox(first, sha256)
  kept.post([{ topic: ALICE, parcel: parcel(1) }], 0)
  const end = kept.end(ALICE)
  first.close()
  const second = openSqliteStore(dir)
  expect(new Mailbox(second, sha256).end(ALICE)).toEqual(end)
  expect(second.totalBytes()).toBe(1 + PARCEL_OVERHEAD_BYTES)
  second.close()
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(join(dir, 'mailbox.sqlite'))
  db.exec('PRAGMA user_version = 99')
  db.close()
  expect(() => openSqliteStore(dir)).toThrow(/newer relay/)
})

test('SQLite: a batch that fails in the middle leaves nothing behind', () => {
  const store = keep(openSqliteStore(folder()))
  const entry = { topic: ALICE, cursor: 1, parcelHash: sha256(parcel(1)), hash: NO_HASH, bytes: parcel(1), at: 0 }
  expect(() => store.append([entry, { ...entry, parcelHash: sha256(parcel(2)) }])).toThrow()
  expect([store.end(ALICE), store.totalBytes(), store.page(ALICE, 0, 10, 1000)]).toEqual([undefined, 0, []])
})
