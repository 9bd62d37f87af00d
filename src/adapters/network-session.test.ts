import { expect, test } from 'vitest'
import type { NetworkEvent, Path } from '../ports.ts'
import { fromUtf8, utf8 } from '../wire/bytes.ts'
import { MAX_UNSENT_BYTES, PeerSession, type Lane, type Road } from './network-session.ts'

/** A stream in memory. What is written arrives when the test says so, or at once. */
class Pipe {
  readonly held: Uint8Array[] = []
  private receivers: { received: (bytes: Uint8Array) => void; closed: () => void } | undefined
  private readonly closers: (() => void)[] = []
  private isOpen = true
  private ended = false
  isStuck = false

  readonly writer: Lane = {
    write: bytes => {
      if (!this.isOpen) throw new Error('closed')
      this.held.push(bytes.slice())
      this.flow()
      return !this.isStuck
    },
    unsent: () => 0,
    drained: () => new Promise(() => {}),
    finish: () => { this.ended = true; this.flow() },
    abort: () => { this.break() },
    listen: (_received, closed) => { this.closers.push(closed) },
  }

  readonly reader: Lane = {
    ...this.writer,
    finish: () => {},
    listen: (received, closed) => { this.receivers = { received, closed }; this.flow() },
  }

  flow(): void {
    while (!this.isStuck && this.receivers && this.held.length > 0) this.receivers.received(this.held.shift() as Uint8Array)
    if (this.ended && this.held.length === 0) this.isOpen = false
  }

  break(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.receivers?.closed()
    for (const closed of this.closers) closed()
  }
}

/** Alice's and Bob's ends of one connection. */
class Connection {
  readonly pipes: Pipe[] = []
  readonly ends: readonly [Road, Road]
  isClosed = false
  private isSlow: boolean
  private readonly people: readonly [Person, Person]

  constructor(people: readonly [Person, Person], path: Path, openedAt: number, isSlow: boolean) {
    this.people = people
    this.isSlow = isSlow
    const end = (mine: 0 | 1): Road => ({
      path,
      rank: [path === 'direct' ? 1 : 0, 1, openedAt],
      openLane: async () => {
        if (this.isClosed) throw new Error('closed')
        const pipe = new Pipe()
        pipe.isStuck = this.isSlow
        this.pipes.push(pipe)
        const other = mine === 0 ? 1 : 0
        people[other].session.accept(this.ends[other], pipe.reader)
        return pipe.writer
      },
      close: () => { this.close() },
    })
    this.ends = [end(0), end(1)]
    people.forEach((person, n) => { person.session.addRoad(this.ends[n as 0 | 1]) })
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.people.forEach((person, n) => { person.session.removeRoad(this.ends[n as 0 | 1]) })
    for (const pipe of this.pipes) pipe.break()
  }

  /** Lets through what was held back. */
  release(): void {
    this.isSlow = false
    for (const pipe of this.pipes) { pipe.isStuck = false; pipe.flow() }
  }
}

class Person {
  readonly heard: NetworkEvent[] = []
  readonly session: PeerSession

  constructor(other: string, seed: number) {
    let n = 0
    this.session = new PeerSession(other, length => new Uint8Array(length).fill(seed + n++), event => { this.heard.push(event) })
  }

  say(text: string): void { this.session.send(utf8(text)) }
  texts(): (string | undefined)[] { return this.heard.flatMap(event => event.type === 'frame' ? [fromUtf8(event.bytes)] : []) }
  events(): string[] { return this.heard.flatMap(event => event.type === 'peer-up' || event.type === 'peer-path' ? [`${event.type} ${event.path}`] : event.type === 'peer-down' ? [event.type] : []) }
}

const meet = (): { alice: Person; bob: Person; connect: (path: Path, openedAt?: number, isSlow?: boolean) => Connection } => {
  const alice = new Person('bob', 1), bob = new Person('alice', 101)
  return { alice, bob, connect: (path, openedAt = 0, isSlow = false) => new Connection([alice, bob], path, openedAt, isSlow) }
}

/** Lets every promise that can settle do so: the pipes have no timers. */
const settle = async (): Promise<void> => { for (let n = 0; n < 20; n++) await Promise.resolve() }

test('Alice and Bob meet through the relay, then move to a direct road, and no frame is lost, doubled or out of order', async () => {
  const { alice, bob, connect } = meet()
  const relayed = connect('relayed')
  await settle()
  for (let n = 0; n < 5; n++) alice.say(`relayed ${n}`)
  const direct = connect('direct')
  alice.say('on the way')
  await settle()
  alice.say('direct')
  await settle()
  expect(bob.texts()).toEqual(['relayed 0', 'relayed 1', 'relayed 2', 'relayed 3', 'relayed 4', 'on the way', 'direct'])
  expect(alice.events()).toEqual(['peer-up relayed', 'peer-path direct'])
  expect(bob.events()).toEqual(['peer-up relayed', 'peer-path direct'])
  // The relay's slot is free again, and nothing hangs on it.
  expect([relayed.isClosed, direct.isClosed]).toEqual([true, false])
})

test('frames on the better road wait for those still under way on the worse one', async () => {
  const { alice, bob, connect } = meet()
  const relayed = connect('relayed')
  await settle()
  relayed.pipes.forEach(pipe => { pipe.isStuck = true })
  alice.say('first')
  connect('direct')
  await settle()
  alice.say('second')
  await settle()
  expect(bob.texts()).toEqual([])
  relayed.release()
  await settle()
  expect(bob.texts()).toEqual(['first', 'second'])
})

test('when a road breaks with frames under way, both see the peer go, and meet again on the other road', async () => {
  const { alice, bob, connect } = meet()
  const relayed = connect('relayed')
  await settle()
  relayed.pipes.forEach(pipe => { pipe.isStuck = true })
  alice.say('lost')
  connect('direct')
  await settle()
  relayed.close()
  await settle()
  alice.say('after')
  await settle()
  expect(bob.texts()).toEqual(['after'])
  expect(alice.events()).toEqual(['peer-up relayed', 'peer-path direct', 'peer-down', 'peer-up direct'])
  expect(bob.events().slice(-2)).toEqual(['peer-down', 'peer-up direct'])
})

test('the worse road breaks before it could say that it is done: nothing was lost, so nobody goes down', async () => {
  const { alice, bob, connect } = meet()
  const relayed = connect('relayed')
  await settle()
  alice.say('before')
  relayed.pipes.forEach(pipe => { pipe.isStuck = true })
  connect('direct')
  await settle()
  relayed.close()
  await settle()
  alice.say('after')
  await settle()
  expect(bob.texts()).toEqual(['before', 'after'])
  expect([alice.events(), bob.events()]).toEqual([['peer-up relayed', 'peer-path direct'], ['peer-up relayed', 'peer-path direct']])
})

test('a stream that overtakes the one before it waits for its turn', async () => {
  const { alice, bob, connect } = meet()
  const relayed = connect('relayed', 0, true)
  await settle()
  connect('direct')
  await settle()
  alice.say('one')
  relayed.release()
  await settle()
  alice.say('two')
  await settle()
  expect(bob.texts()).toEqual(['one', 'two'])
  expect([...alice.events(), ...bob.events()]).not.toContain('peer-down')
})

test('both dial at once: one connection is left, on which both agree', async () => {
  const { alice, bob, connect } = meet()
  const first = connect('direct', 1), second = connect('direct', 2)
  await settle()
  for (let n = 0; n < 3; n++) { alice.say(`a${n}`); bob.say(`b${n}`) }
  await settle()
  expect(bob.texts()).toEqual(['a0', 'a1', 'a2'])
  expect(alice.texts()).toEqual(['b0', 'b1', 'b2'])
  expect([first.isClosed, second.isClosed]).toEqual([true, false])
  expect([alice.events(), bob.events()]).toEqual([['peer-up direct'], ['peer-up direct']])
})

test('the last road ends: the peer is down once, and a new road brings a new session', async () => {
  const { alice, bob, connect } = meet()
  connect('direct').close()
  await settle()
  const again = connect('direct')
  await settle()
  again.close()
  connect('relayed')
  await settle()
  bob.say('back')
  await settle()
  expect(alice.events()).toEqual(['peer-up direct', 'peer-down', 'peer-up relayed'])
  expect(alice.texts()).toEqual(['back'])
})

test('only one side noticed the loss: the other learns it from the new session, and both go on', async () => {
  const { alice, bob, connect } = meet()
  const old = connect('direct', 1)
  await settle()
  // Alice's network dropped the connection; Bob's hasn't noticed.
  alice.session.removeRoad(old.ends[0])
  connect('direct', 2)
  await settle()
  alice.say('hello again')
  bob.say('hello to you')
  await settle()
  expect([bob.texts(), alice.texts()]).toEqual([['hello again'], ['hello to you']])
  expect(alice.events()).toEqual(['peer-up direct', 'peer-down', 'peer-up direct'])
  expect(bob.events()).toEqual(['peer-up direct', 'peer-down', 'peer-up direct'])
})

test('a peer that does not read is dropped when 16 MiB wait for it', async () => {
  const { alice, connect } = meet()
  const road = connect('direct')
  await settle()
  road.pipes.forEach(pipe => { pipe.isStuck = true })
  const frame = new Uint8Array(1024 * 1024)
  for (let sent = 0; sent < MAX_UNSENT_BYTES; sent += frame.length) alice.session.send(frame)
  expect(alice.events()).toEqual(['peer-up direct'])
  alice.session.send(frame)
  alice.session.send(frame)
  expect(alice.events()).toEqual(['peer-up direct', 'peer-down'])
  expect(road.isClosed).toBe(true)
})

test('nonsense on a stream closes the connection', async () => {
  const { alice, bob, connect } = meet()
  const road = connect('direct')
  await settle()
  const pipe = new Pipe()
  bob.session.accept(road.ends[1], pipe.reader)
  pipe.writer.write(new Uint8Array(25).fill(9))
  expect(road.isClosed).toBe(true)
  expect([alice.events().at(-1), bob.events().at(-1)]).toEqual(['peer-down', 'peer-down'])
})
