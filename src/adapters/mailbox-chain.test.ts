/** Bob reads a topic along; what a relay that lies or forgets can and can't get past him. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../wire/bytes.ts'
import { NO_HASH, type Page, type StoredParcel } from '../wire/relay.ts'
import { TopicChain } from './mailbox-chain.ts'

const sha = (...parts: readonly Uint8Array[]): Uint8Array => sha256(concat(...parts))
const sig = new Uint8Array(64)

/** What an honest relay keeps of a topic: the hash goes on over what has expired. */
class HonestTopic {
  readonly kept: StoredParcel[] = []
  readonly hashes: Uint8Array[] = [NO_HASH]
  add(...texts: readonly string[]): this {
    for (const text of texts) {
      const bytes = utf8(text)
      this.hashes.push(sha(this.hashes.at(-1) as Uint8Array, sha(bytes)))
      this.kept.push({ cursor: this.hashes.length - 1, bytes })
    }
    return this
  }
  expire(count: number): this { this.kept.splice(0, count); return this }
  get end(): number { return this.hashes.length - 1 }
  page(since: number, size = 100): Page {
    const parcels = this.kept.filter((p) => p.cursor > since).slice(0, size)
    const next = since >= this.end ? this.end : parcels.at(-1)?.cursor ?? this.end
    return { topic: '00'.repeat(16), since, parcels, next, end: next === this.end, head: { cursor: this.end, hash: this.hashes[this.end] as Uint8Array, sig } }
  }
}
const reader = (since = 0): TopicChain => new TopicChain(sha, since)
const topicOf = (...texts: readonly string[]): HonestTopic => new HonestTopic().add(...texts)

describe('an honest relay', () => {
  test('is believed however it splits pages, while parcels come and old ones expire', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('add' as const), n: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant('expire' as const), n: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ type: fc.constant('read' as const), n: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ type: fc.constant('reconnect' as const), n: fc.constant(0) }),
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.nat(3), (steps, since) => {
      const topic = topicOf('a', 'b', 'c')
      const bob = reader(since)
      for (const { type, n } of steps) {
        if (type === 'add') topic.add(...Array.from({ length: n }, (_, i) => `${topic.end + i}`))
        if (type === 'expire') topic.expire(n)
        if (type === 'reconnect') bob.connected()
        if (type === 'read') expect(bob.follow(topic.page(bob.since, n))).toBe('next')
      }
      for (let page = topic.page(bob.since, 2); ; page = topic.page(bob.since, 2)) {
        expect(bob.follow(page)).toBe('next')
        if (page.end) break
      }
      expect(bob.since).toBe(topic.end)
    }))
  })

  test('may answer an earlier watch: that is passed over and moves nothing', () => {
    const topic = topicOf('a', 'b', 'c')
    const bob = reader(0)
    expect(bob.follow(topic.page(1))).toBe('stale')
    expect(bob.since).toBe(0)
    expect(bob.follow(topic.page(0, 2))).toBe('next')
    bob.moveTo(1)
    expect(bob.follow(topic.page(2))).toBe('stale')
    expect(bob.follow(topic.page(1))).toBe('next')
  })

  test('may send a page that is older than its answer to a post, on the same connection', () => {
    const topic = topicOf('a')
    const bob = reader(0)
    const older = topic.page(0)
    topic.add('b')
    bob.signed(2)
    expect(bob.follow(older)).toBe('next')
    expect(bob.follow(topic.page(1))).toBe('next')
  })
})

describe('a relay is caught when', () => {
  test('it changes, drops or invents any parcel of what Bob reads from the start to the end', () => {
    const texts = fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 8 })
    fc.assert(fc.property(texts, fc.nat(7), fc.constantFrom('change', 'drop', 'invent'), (all, at, how) => {
      const page = topicOf(...all).page(0)
      const i = at % all.length
      const parcels = page.parcels.map((p) => ({ ...p }))
      if (how === 'change') parcels[i] = { cursor: i + 1, bytes: concat(parcels[i]?.bytes as Uint8Array, utf8('!')) }
      if (how === 'drop' && i > 0) parcels.splice(i, 1)
      if (how === 'drop' && i === 0) return
      if (how === 'invent') parcels.push({ cursor: page.next + 1, bytes: utf8('!') })
      const next = parcels.at(-1)?.cursor ?? 0
      const head = how === 'invent' ? { ...page.head, cursor: next } : page.head
      expect(reader(0).follow({ ...page, parcels, head, next: how === 'invent' ? next : page.next })).toBe('contradiction')
    }))
  })

  test('it has fewer parcels than Bob has read', () => {
    const bob = reader(0)
    bob.follow(topicOf('a', 'b', 'c').page(0))
    expect(bob.follow({ ...topicOf('a', 'b').page(3) })).toBe('contradiction')
  })

  test('it has as many, but others', () => {
    const bob = reader(0)
    bob.follow(topicOf('a', 'b').page(0))
    expect(bob.follow(topicOf('a', 'x').page(2))).toBe('contradiction')
  })

  test('it goes on from another past', () => {
    const bob = reader(0)
    bob.follow(topicOf('a', 'b').page(0))
    expect(bob.follow(topicOf('x', 'b', 'c').page(2))).toBe('contradiction')
  })

  test('after a new connection, it has fewer parcels than it told the poster of', () => {
    const bob = reader(0)
    bob.follow(topicOf('a').page(0))
    bob.signed(3)
    bob.connected()
    expect(bob.follow(topicOf('a', 'b').page(1))).toBe('contradiction')
  })

  test('it says that there is more, and skips some of it', () => {
    const page = topicOf('a', 'b', 'c').page(0, 1)
    expect(reader(0).follow({ ...page, next: 2 })).toBe('contradiction')
    expect(reader(0).follow({ ...page, parcels: [], next: 2 })).toBe('contradiction')
  })

  test('it withholds the newest parcels and calls that the end', () => {
    const page = topicOf('a', 'b', 'c').page(0)
    expect(reader(0).follow({ ...page, parcels: page.parcels.slice(0, 2) })).toBe('contradiction')
  })
})

test('after being caught it may begin again, and is watched from the first parcel on', () => {
  const bob = reader(0)
  bob.follow(topicOf('a', 'b', 'c').page(0))
  const restored = topicOf('a', 'b')
  expect(bob.follow(restored.page(3))).toBe('contradiction')
  bob.restart()
  expect(bob.since).toBe(0)
  expect(bob.follow(restored.page(0, 1))).toBe('next')
  expect(bob.follow(restored.page(1))).toBe('next')
})

