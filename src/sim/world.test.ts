import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import type { MailboxEvent, NetworkEvent, TopicKey } from '../ports.ts'
import { toHex } from '../wire/bytes.ts'
import { PostOffice } from './mailbox.ts'
import { Ether, FAIR } from './network.ts'
import { BEGINNING, Chance, World } from './world.ts'

describe('virtual time', () => {
  test('what comes earlier runs earlier, what comes together in the order it was asked for', async () => {
    const world = new World('time')
    const ran: string[] = []
    const say = (word: string) => (): void => { ran.push(`${world.now - BEGINNING} ${word}`) }
    world.after(20, '', say('c'))
    world.after(10, '', say('a'))
    const cancel = world.after(15, '', say('never'))
    world.after(10, '', () => { say('b')(); world.after(5, '', say('from b')) })
    cancel()
    await world.runFor(100)
    expect(ran).toEqual(['10 a', '10 b', '15 from b', '20 c'])
    expect(world.now - BEGINNING).toBe(100)
  })

  test('a thousand events come out sorted', async () => {
    const world = new World('heap')
    const times: number[] = []
    for (let i = 0; i < 1000; i++) world.after(world.chance.int(500), '', () => { times.push(world.now) })
    await world.runFor(1000)
    expect(times).toHaveLength(1000)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  test('nothing moves on while somebody is still at work', async () => {
    const world = new World('idle')
    let working: Promise<void> | undefined
    let done = 0
    world.join({ idle: async () => { await working } })
    world.after(1, '', () => { working = (async () => { for (let i = 0; i < 20; i++) await Promise.resolve(); done = world.now - BEGINNING })() })
    world.after(2, '', () => { expect(done).toBe(1) })
    await world.runFor(10)
    expect(done).toBe(1)
  })
})

describe('chance', () => {
  test('is the seed and nothing else', () => {
    const draw = (seed: string): number[] => { const chance = new Chance(seed); return Array.from({ length: 20 }, () => chance.int(1000)) }
    expect(draw('a')).toEqual(draw('a'))
    expect(draw('a')).not.toEqual(draw('b'))
  })
  test('reaches every face of a die, and shuffles without loss', () => {
    const chance = new Chance('die')
    expect(new Set(Array.from({ length: 200 }, () => chance.between(1, 6)))).toEqual(new Set([1, 2, 3, 4, 5, 6]))
    expect(chance.shuffle([1, 2, 3, 4, 5, 6, 7, 8]).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('the trace', () => {
  const hash = (...values: unknown[]): string => { const world = new World('trace'); for (const value of values) world.trace(value); return world.traceHash() }
  test('tells apart whatever differs', () => {
    const values: unknown[] = [[1, 2], [12], ['1', 2], { a: 1 }, { a: '1' }, { a: [1] }, { b: 1 }, new Uint8Array([1]), new Uint8Array([1, 2]), 'ab', ['a', 'b'], null, undefined, 'null', 0, false, []]
    expect(new Set(values.map((value) => hash(value))).size).toBe(values.length)
    expect(hash('a', 'b')).not.toBe(hash('b', 'a'))
    expect(hash({ a: 1 })).toBe(hash({ a: 1 }))
  })
})

async function two(seed: string) {
  const world = new World(seed)
  const ether = new Ether(world)
  const heard: Record<string, NetworkEvent[]> = { Alice: [], Bob: [] }
  const start = async (name: string) => {
    const network = ether.network(name, () => true)
    await network.start((event) => { heard[name]?.push(event) })
    network.useRelays(['https://one.example'])
    return network
  }
  const alice = await start('Alice'), bob = await start('Bob')
  await world.runFor(1000)
  const self = (name: string) => heard[name]?.findLast((event) => event.type === 'self') as NetworkEvent & { type: 'self' }
  const frames = (name: string): number[] => heard[name]?.flatMap((event) => (event.type === 'frame' ? [event.bytes[0] as number] : [])) ?? []
  return { world, ether, alice, bob, heard, self, frames }
}

describe('the network', () => {
  test('frames arrive in order, or the connection goes down', async () => {
    const { world, ether, alice, bob, self, frames, heard } = await two('order')
    alice.dial(self('Bob').peer, self('Bob').addresses)
    await world.runFor(1000)
    expect(heard['Bob']?.some((event) => event.type === 'peer-up')).toBe(true)
    for (let i = 0; i < 100; i++) alice.send(self('Bob').peer, new Uint8Array([i]))
    await world.runFor(1000)
    expect(frames('Bob')).toEqual(Array.from({ length: 100 }, (_, i) => i))
    ether.weather = { ...FAIR, breaks: 100 }
    for (let i = 0; i < 100; i++) bob.send(self('Alice').peer, new Uint8Array([i]))
    await world.runFor(60_000)
    const got = frames('Alice')
    expect(got.length).toBeLessThan(100)
    expect(got).toEqual(Array.from({ length: got.length }, (_, i) => i))
    for (const name of ['Alice', 'Bob']) expect(heard[name]?.at(-1)?.type).toBe('peer-down')
  })

  test('a partition cuts connections, and nobody dials across', async () => {
    const { world, ether, alice, self, frames, heard } = await two('partition')
    alice.dial(self('Bob').peer, self('Bob').addresses)
    await world.runFor(1000)
    ether.partition(new Map([['Bob', 1]]))
    alice.send(self('Bob').peer, new Uint8Array([1]))
    await world.runFor(60_000)
    expect(frames('Bob')).toEqual([])
    expect(heard['Bob']?.at(-1)?.type).toBe('peer-down')
    alice.dial(self('Bob').peer, self('Bob').addresses)
    await world.runFor(60_000)
    expect(heard['Alice']?.at(-1)?.type).toBe('peer-down')
    ether.partition(new Map())
    alice.dial(self('Bob').peer, self('Bob').addresses)
    await world.runFor(1000)
    expect(heard['Alice']?.at(-1)?.type).toBe('peer-up')
  })

  test('gossip reaches subscribers, at times never, at times twice', async () => {
    const { world, ether, alice, bob, self, heard } = await two('gossip')
    alice.dial(self('Bob').peer, self('Bob').addresses)
    await world.runFor(1000)
    const count = (): number => heard['Bob']?.filter((event) => event.type === 'gossip').length ?? 0
    alice.publish('t', new Uint8Array([1]))
    await world.runFor(1000)
    expect(count()).toBe(0)
    bob.subscribe('t')
    alice.publish('t', new Uint8Array([1]))
    await world.runFor(1000)
    expect(count()).toBe(1)
    ether.weather = { ...FAIR, gossipLoss: 50, gossipDoubles: 0 }
    for (let i = 0; i < 100; i++) alice.publish('t', new Uint8Array([1]))
    await world.runFor(1000)
    expect(count()).toBeLessThan(101)
    const before = count()
    ether.weather = { ...FAIR, gossipDoubles: 100 }
    alice.publish('t', new Uint8Array([1]))
    await world.runFor(1000)
    expect(count()).toBe(before + 2)
  })
})

const SEED = new Uint8Array(32)
const KEY: TopicKey = { topic: toHex(sha256(ed25519.getPublicKey(SEED)).subarray(0, 16)), seed: SEED }

async function office(seed: string) {
  const world = new World(seed)
  const ether = new Ether(world)
  const url = 'https://one.example'
  const post = new PostOffice(world, ether, [url])
  const relay = post.relays.get(url)
  if (relay === undefined) throw new Error('no relay')
  const start = async (name: string) => {
    const heard: MailboxEvent[] = []
    const mailbox = post.mailbox(name, () => true)
    await mailbox.start((event) => { heard.push(event) })
    const read = (): number[] => heard.flatMap((event) => (event.type === 'parcels' ? event.parcels.map((parcel) => parcel.bytes[0] as number) : []))
    return { mailbox, heard, read }
  }
  return { world, ether, post, relay, url, alice: await start('Alice'), bob: await start('Bob') }
}

describe('relays', () => {
  test('keep what was posted for who comes later, and push what comes then', async () => {
    const { world, url, alice, bob } = await office('keep')
    alice.mailbox.post(url, KEY, 'p1', new Uint8Array([1]))
    await world.runFor(2000)
    expect(alice.heard.map((event) => event.type)).toEqual(['relay-up', 'posted'])
    bob.mailbox.watch(url, KEY, 0)
    await world.runFor(2000)
    alice.mailbox.post(url, KEY, 'p2', new Uint8Array([2]))
    alice.mailbox.post(url, KEY, 'again', new Uint8Array([1]))
    await world.runFor(2000)
    expect(bob.read()).toEqual([1, 2])
    expect(alice.heard).toContainEqual({ type: 'posted', relay: url, topic: KEY.topic, parcelId: 'again', cursor: 1 })
  })

  test('while one is away posts wait, and it is read on from the cursor', async () => {
    const { world, relay, post, url, alice, bob } = await office('away')
    bob.mailbox.watch(url, KEY, 0)
    alice.mailbox.post(url, KEY, 'p1', new Uint8Array([1]))
    await world.runFor(2000)
    relay.isUp = false
    post.lookAround()
    alice.mailbox.post(url, KEY, 'p2', new Uint8Array([2]))
    await world.runFor(60_000)
    expect(bob.read()).toEqual([1])
    expect(bob.heard.at(-1)?.type).toBe('relay-down')
    relay.isUp = true
    post.lookAround()
    await world.runFor(2000)
    expect(bob.read()).toEqual([1, 2])
  })

  test('one that withholds acknowledges and gives nothing, one that forgets is caught', async () => {
    const { world, relay, post, url, alice, bob } = await office('lies')
    bob.mailbox.watch(url, KEY, 0)
    relay.withholds = true
    alice.mailbox.post(url, KEY, 'p1', new Uint8Array([1]))
    await world.runFor(2000)
    expect(alice.heard.at(-1)?.type).toBe('posted')
    expect(bob.read()).toEqual([])
    relay.withholds = false
    post.pushAll()
    await world.runFor(2000)
    expect(bob.read()).toEqual([1])
    post.forget(relay)
    alice.mailbox.post(url, KEY, 'p2', new Uint8Array([2]))
    await world.runFor(2000)
    expect(bob.heard.some((event) => event.type === 'rolled-back')).toBe(true)
    expect(bob.read()).toEqual([1, 2])
  })

  test('an announcement reaches who watches now, and is kept for nobody', async () => {
    const { world, url, alice, bob } = await office('announce')
    alice.mailbox.watch(url, KEY, 0)
    bob.mailbox.watch(url, KEY, 0)
    await world.runFor(2000)
    alice.mailbox.announce(url, KEY, new Uint8Array([7]))
    await world.runFor(2000)
    expect(bob.heard.filter((event) => event.type === 'announced')).toHaveLength(1)
    expect(alice.heard.filter((event) => event.type === 'announced')).toHaveLength(0)
  })
})
