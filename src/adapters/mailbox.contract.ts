/**
 * What every mailbox must do, as stories of Alice and Bob at one relay. A story that ends without throwing has passed.
 * Events are awaited, never slept for: `until` looks at everything heard so far after each new event.
 */
import type { Mailbox, MailboxEvent, TopicKey } from '../ports.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import { concat, toHex, utf8 } from '../wire/bytes.ts'

export interface MailboxWorld {
  /** The relay as people name it. */
  readonly relay: string
  /** A new mailbox that hasn't been started. */
  open(): Mailbox
  /** A topic of its own: same name, same topic. */
  topic(name: string): Promise<TopicKey>
  /** The relay dies without a word, and keeps what it acknowledged. */
  kill(): Promise<void>
  start(): Promise<void>
  /** While it is dead: what it kept is lost, its keys are not. */
  forget(): void
  /** While it is dead: another relay takes its address. */
  replace(): void
}

export interface MailboxCase { readonly name: string; run(world: MailboxWorld): Promise<void> }

type Of<T extends MailboxEvent['type']> = MailboxEvent & { readonly type: T }

/** Somebody with a mailbox, and all that it told them. */
class Person {
  readonly heard: MailboxEvent[] = []
  readonly mailbox: Mailbox
  private readonly world: MailboxWorld
  private waiting: (() => void)[] = []

  private constructor(world: MailboxWorld) {
    this.world = world
    this.mailbox = world.open()
  }

  static async start(world: MailboxWorld): Promise<Person> {
    const person = new Person(world)
    await person.mailbox.start((event) => {
      person.heard.push(event)
      for (const wake of person.waiting.splice(0)) wake()
    })
    return person
  }

  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      await new Promise<void>((wake) => { this.waiting.push(wake) })
    }
  }

  all<T extends MailboxEvent['type']>(type: T): Of<T>[] { return this.heard.filter((event): event is Of<T> => event.type === type) }
  /** The nth event of a type, from 1. */
  event<T extends MailboxEvent['type']>(type: T, n = 1): Promise<Of<T>> { return this.until(() => this.all(type)[n - 1]) }
  /** What this person has read of a topic, in order, since the last roll-back. */
  texts(topic: TopicKey): string {
    const from = this.heard.findLastIndex((event) => event.type === 'rolled-back' && event.topic === topic.topic) + 1
    return this.heard.slice(from).flatMap((event) => (event.type === 'parcels' && event.topic === topic.topic ? event.parcels : [])).map((p) => new TextDecoder().decode(p.bytes)).join(' ')
  }
  reads(topic: TopicKey, texts: string): Promise<true> { return this.until(() => (this.texts(topic) === texts ? true : undefined)) }
  post(topic: TopicKey, text: string, id = text): void { this.mailbox.post(this.world.relay, topic, id, utf8(text)) }
  async posts(topic: TopicKey, ...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      this.post(topic, text)
      await this.until(() => this.all('posted').find((event) => event.parcelId === text))
    }
  }
  watch(topic: TopicKey, since = 0): void { this.mailbox.watch(this.world.relay, topic, since) }
}

const idOf = (text: string): Uint8Array => sha256(utf8(text)).subarray(0, 16)

function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b?.slice(0, 500)}, got ${a?.slice(0, 500)}`)
}

const story = (name: string, tell: (world: MailboxWorld, alice: Person, bob: Person, topic: TopicKey) => Promise<void>): MailboxCase => ({
  name,
  async run(world) {
    const alice = await Person.start(world), bob = await Person.start(world)
    try { await tell(world, alice, bob, await world.topic(name)) } finally {
      await alice.mailbox.stop()
      await bob.mailbox.stop()
    }
  },
})

export const MAILBOX_CONTRACT: readonly MailboxCase[] = [
  story('what Alice posts while Bob is away he reads when he comes, in order', async (_, alice, bob, topic) => {
    await alice.posts(topic, 'one', 'two', 'three')
    same(alice.all('posted').map((event) => event.cursor), [1, 2, 3], 'cursors')
    bob.watch(topic)
    await bob.reads(topic, 'one two three')
    const { next, end } = bob.all('parcels').at(-1) as Of<'parcels'>
    same([next, end], [3, true], 'where he stands')
  }),
  story('what Alice posts while Bob watches comes by itself', async (_, alice, bob, topic) => {
    bob.watch(topic)
    await bob.event('parcels')
    await alice.posts(topic, 'one', 'two')
    await bob.reads(topic, 'one two')
  }),
  story('posts made at once are kept in the order they were made', async (_, alice, bob, topic) => {
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`)
    for (const word of words) alice.post(topic, word)
    bob.watch(topic)
    await bob.reads(topic, words.join(' '))
    await alice.event('posted', words.length)
    same(alice.all('posted').map((event) => event.parcelId), words, 'answers')
  }),
  story('Bob reads on from the cursor he gives', async (_, alice, bob, topic) => {
    await alice.posts(topic, 'one', 'two', 'three')
    bob.watch(topic, 2)
    await bob.reads(topic, 'three')
  }),
  story('a watch is said again: Bob reads from the place he gives now', async (_, alice, bob, topic) => {
    await alice.posts(topic, 'one', 'two')
    bob.watch(topic)
    await bob.reads(topic, 'one two')
    bob.watch(topic, 1)
    await bob.reads(topic, 'one two two')
    bob.watch(topic, 2)
    await alice.posts(topic, 'three')
    await bob.reads(topic, 'one two two three')
  }),
  story('a topic with nothing in it says so', async (_world, _alice, bob, topic) => {
    bob.watch(topic)
    const { parcels, next, end } = await bob.event('parcels')
    same([parcels, next, end], [[], 0, true], 'an empty topic')
  }),
  story('more than a page is read to the end', async (world, alice, bob, topic) => {
    const large = Array.from({ length: 5 }, (_, i) => new Uint8Array(700_000).fill(i))
    large.forEach((bytes, i) => alice.mailbox.post(world.relay, topic, `${i}`, bytes))
    await alice.event('posted', large.length)
    bob.watch(topic)
    await bob.until(() => bob.all('parcels').at(-1)?.end || undefined)
    const got = bob.all('parcels').flatMap((event) => event.parcels)
    same(got.map((p) => [p.cursor, p.bytes.length, p.bytes[0]]), large.map((bytes, i) => [i + 1, bytes.length, i]), 'pages')
  }),
  story('the same bytes are kept once: both who posted them get the same cursor', async (_, alice, bob, topic) => {
    await alice.posts(topic, 'one', 'two')
    await bob.posts(topic, 'one')
    same(bob.all('posted').map((event) => event.cursor), [1], 'the old cursor')
  }),
  story('topics are apart', async (world, alice, bob, topic) => {
    const other = await world.topic('another')
    bob.watch(topic)
    bob.watch(other)
    await alice.posts(topic, 'here')
    await alice.posts(other, 'there')
    await bob.reads(topic, 'here')
    await bob.reads(other, 'there')
  }),
  story('after unwatching nothing more of the topic comes', async (world, alice, bob, topic) => {
    const other = await world.topic('a topic that Bob keeps watching')
    bob.watch(topic)
    bob.watch(other)
    await bob.event('parcels', 2)
    bob.mailbox.unwatch(world.relay, topic.topic)
    await alice.posts(topic, 'unread')
    await alice.posts(other, 'read')
    await bob.reads(other, 'read')
    same(bob.texts(topic), '', 'what came of the unwatched topic')
  }),
  story('an announcement reaches who watches, is not kept, and does not come back', async (world, alice, bob, topic) => {
    for (const person of [alice, bob]) person.watch(topic)
    await alice.event('parcels')
    await bob.event('parcels')
    alice.mailbox.announce(world.relay, topic, utf8('here I am'))
    const { bytes } = await bob.event('announced')
    same(toHex(bytes), toHex(utf8('here I am')), 'what he heard')
    await alice.posts(topic, 'kept')
    await alice.reads(topic, 'kept')
    same(alice.all('announced'), [], 'her own announcement')
  }),
  story('what no relay takes is refused for good', async (world, alice, _bob, topic) => {
    alice.mailbox.post(world.relay, topic, 'huge', new Uint8Array(1024 * 1024 + 1))
    const { parcelId, final } = await alice.event('refused')
    same([parcelId, final], ['huge', true], 'the refusal')
  }),
  story('a post signed with another topic’s key is refused for good', async (world, alice, _bob, topic) => {
    const other = await world.topic('somebody else’s')
    alice.mailbox.post(world.relay, { topic: other.topic, seed: topic.seed }, 'forged', utf8('forged'))
    const { parcelId, final } = await alice.event('refused')
    same([parcelId, final], ['forged', true], 'the refusal')
  }),
  story('what is posted while the relay is dead is kept when it comes back, and Bob reads it without doing anything', async (world, alice, bob, topic) => {
    bob.watch(topic)
    await bob.event('relay-up')
    await alice.posts(topic, 'before')
    await bob.reads(topic, 'before')
    await world.kill()
    await bob.event('relay-down')
    alice.post(topic, 'meanwhile')
    await world.start()
    await alice.until(() => alice.all('posted').find((event) => event.parcelId === 'meanwhile'))
    await bob.event('relay-up', 2)
    await bob.reads(topic, 'before meanwhile')
    same(bob.all('rolled-back'), [], 'roll-backs')
  }),
  story('a relay that lost what it kept is noticed, and read again from the start', async (world, alice, bob, topic) => {
    bob.watch(topic)
    await alice.posts(topic, 'one', 'two')
    await bob.reads(topic, 'one two')
    await world.kill()
    world.forget()
    await world.start()
    await bob.event('rolled-back')
    await alice.posts(topic, 'three')
    await bob.reads(topic, 'three')
  }),
  story('another relay at the same address is not taken for the old one', async (world, alice, bob, topic) => {
    bob.watch(topic)
    await alice.posts(topic, 'one')
    await bob.reads(topic, 'one')
    await world.kill()
    world.replace()
    await world.start()
    await alice.posts(topic, 'two', 'three')
    await bob.event('rolled-back')
    await bob.reads(topic, 'two three')
  }),
  story('a relay that lost what it kept and was filled beyond Bob’s place is noticed by what he knew of it', async (world, alice, bob, topic) => {
    bob.watch(topic)
    await alice.posts(topic, 'one', 'two')
    await bob.reads(topic, 'one two')
    const { next, hash } = bob.all('parcels').at(-1) as Of<'parcels'>
    await bob.mailbox.stop()
    await world.kill()
    world.forget()
    await world.start()
    await alice.posts(topic, 'three', 'four', 'five')
    const again = await Person.start(world)
    try {
      again.mailbox.watch(world.relay, topic, next, hash)
      await again.event('rolled-back')
      await again.reads(topic, 'three four five')
    } finally { await again.mailbox.stop() }
  }),
  story('one who goes on where he was, with what he knew of it, suspects nobody', async (world, alice, bob, topic) => {
    bob.watch(topic)
    await alice.posts(topic, 'one', 'two')
    await bob.reads(topic, 'one two')
    const { next, hash } = bob.all('parcels').at(-1) as Of<'parcels'>
    bob.mailbox.unwatch(world.relay, topic.topic)
    await alice.posts(topic, 'three')
    bob.mailbox.watch(world.relay, topic, next, hash)
    await bob.reads(topic, 'one two three')
    same(bob.all('rolled-back'), [], 'roll-backs')
  }),
  story('comparing, Bob is given what he lacks, told what the relay lacks, and goes on from there', async (world, alice, bob, topic) => {
    const words = Array.from({ length: 70 }, (_, i) => `word${i}`)
    await alice.posts(topic, ...words)
    const held = [...words.slice(2, 69), 'only Bob’s'].map(idOf)
    bob.mailbox.compare(world.relay, topic, concat(...held))
    const { result } = await bob.event('compared')
    if (result === undefined) throw new Error('the relay could not compare')
    same(bob.all('found').flatMap((event) => event.parcels).map((p) => [p.cursor, new TextDecoder().decode(p.bytes)]).sort(), [[1, 'word0'], [2, 'word1'], [70, 'word69']], 'what he lacked')
    same([[...result.lacks], result.found, result.next], [[toHex(idOf('only Bob’s'))], 3, 70], 'the end')
    bob.mailbox.watch(world.relay, topic, result.next, result.hash)
    await alice.posts(topic, 'new')
    await bob.reads(topic, 'new')
    same(bob.all('rolled-back'), [], 'roll-backs')
  }),
  story('compared with a relay that has nothing, or with nothing in hand, all of it differs', async (world, alice, bob, topic) => {
    bob.mailbox.compare(world.relay, topic, idOf('one'))
    const empty = await bob.event('compared')
    same([[...empty.result?.lacks ?? []], empty.result?.next], [[toHex(idOf('one'))], 0], 'at an empty relay')
    await alice.posts(topic, 'one', 'two')
    bob.mailbox.compare(world.relay, topic, new Uint8Array())
    const none = await bob.event('compared', 2)
    same([none.result?.found, none.result?.lacks.size, none.result?.next], [2, 0, 2], 'with nothing in hand')
  }),
  story('a comparison waits for a relay that is dead', async (world, alice, bob, topic) => {
    await alice.posts(topic, 'one')
    await world.kill()
    bob.mailbox.compare(world.relay, topic, new Uint8Array())
    await world.start()
    same((await bob.event('compared')).result?.found, 1, 'what it found')
  }),
  story('a stopped mailbox says nothing more', async (_, alice, bob, topic) => {
    bob.watch(topic)
    await bob.event('parcels')
    await bob.mailbox.stop()
    const heard = bob.heard.length
    alice.watch(topic)
    await alice.posts(topic, 'unheard')
    await alice.reads(topic, 'unheard')
    bob.post(topic, 'unsaid')
    same(bob.heard.length, heard, 'events after the stop')
  }),
]
