/**
 * A few engines in one room, for stories about what they decide: a toy network and one toy relay that always work, a disk that is a sorted map,
 * and time that moves when told. Faults, scale and chance are the simulator's business.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type DiskSnapshot, type MemoryDisk, openMemoryDisk } from '../adapters/disk-memory.ts'
import { seededRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import { nodeCurves } from '../adapters/suite-curves-node.ts'
import type { Command, Reply, Results, Update } from '../api.ts'
import type { CopyEnd, Disk } from '../ports.ts'
import { toHex } from '../wire/bytes.ts'
import { ME_PARTITION, TAKEN_KEY } from '../wire/copy.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import { Engine } from './engine.ts'
import type { Input, Read, Send, Step } from './input.ts'
import type { Replica } from './replica.ts'

export const RELAY = 'http://relay.test'

/** What a disk answers, as by a host. */
export async function readFrom(disk: Disk, read: Read): Promise<Input> {
  const { tag } = read
  if ('query' in read) return { type: 'rows', tag, rows: await disk.range(read.partition, read.query) }
  if ('ranges' in read) return { type: 'answers', tag, answers: await Promise.all(read.ranges.map(({ partition, query }) => disk.range(partition, query))) }
  if ('check' in read) return { type: 'checked', tag, done: 1, all: 1, damaged: (await disk.check()).length }
  if ('mend' in read) { await disk.mend(); return { type: 'mended', tag } }
  if ('compact' in read) return { type: 'compacted', tag, more: await disk.compact() }
  if ('copy' in read) throw new Error('This host makes no copies')
  return { type: 'measured', tag, bytes: await Promise.all(read.measure.map((partition) => disk.size(partition))) }
}

export class Person {
  readonly name: string
  engine: Engine
  disk: MemoryDisk
  readonly queue: Input[] = []
  readonly wakes = new Map<string, number>()
  readonly watches = new Map<string, number>()
  readonly replies = new Map<number, Reply>()
  readonly updates: Update[] = []
  /** What is kept of the disk elsewhere. */
  tally: Uint8Array | undefined
  isHere = true
  /** How far their clock is ahead. */
  aheadMs = 0
  private readonly makeEngine: () => Promise<Engine>

  constructor(name: string, engine: Engine, disk: MemoryDisk, makeEngine: () => Promise<Engine>) {
    this.name = name
    this.engine = engine
    this.disk = disk
    this.makeEngine = makeEngine
  }

  get peer(): string { return `peer-${this.name}` }

  get device(): DeviceId | undefined { return this.engine.me?.device }

  /** Codes of what they were told unasked. */
  get notices(): string[] { return this.updates.flatMap((update) => (update.type === 'notice' ? [update.error.code] : [])) }

  space(id: SpaceId): Replica {
    const replica = this.engine.replicas.get(id)
    if (replica === undefined) throw new Error(`${this.name} has no such space`)
    return replica
  }

  /** Their disk as it was then, and whatever they had in mind is forgotten: a profile put back from a backup, or with their tally only the disk. */
  async putBack(then: DiskSnapshot, tally?: Uint8Array): Promise<void> {
    this.disk = openMemoryDisk(then)
    this.tally = tally
    await this.restart()
  }

  /** Forgets everything that is not on disk. */
  async restart(): Promise<void> {
    this.engine = await this.makeEngine()
    this.queue.length = 0
    this.wakes.clear()
    this.watches.clear()
    this.queue.push({ type: 'start', tally: this.tally }, { type: 'self', peer: this.peer, addresses: ['/x'] }, { type: 'relay-up', relay: RELAY })
  }
}

const CURVES = nodeCurves()

export class Room {
  now = 1_800_000_000_000
  readonly people: Person[] = []
  /** While this is a list, what people post is on its way and not at the relay yet. */
  onTheWay: (() => void)[] | undefined
  /** Otherwise nobody is connected any more but through the relay. */
  canDial = true
  /** The relay takes what comes, and tells nothing. */
  isSilent = false
  /** Who is cut off from everyone and the relay, and what they have posted meanwhile. */
  private readonly cutOff = new Map<Person, (() => void)[]>()
  /** Told of each frame that reaches somebody. */
  seesFrame: ((bytes: Uint8Array, from: Person, to: Person) => void) | undefined
  private readonly curves: Parameters<typeof createSuite>[1]
  private readonly boxes = new Map<string, Uint8Array[]>()
  private nextId = 1

  /** Without Node around it, a room needs other curves. */
  constructor(curves: Parameters<typeof createSuite>[1] = CURVES) { this.curves = curves }

  /** Somebody, or with `isNew` a device that nobody has set up yet. */
  async person(name: string, isNew = false): Promise<Person> {
    const random = seededRandom(this.people.length + 1)
    const make = async (): Promise<Engine> => new Engine({ suite: await createSuite(random, this.curves), random })
    const person = new Person(name, await make(), openMemoryDisk(), make)
    this.people.push(person)
    person.queue.push({ type: 'start' }, { type: 'self', peer: person.peer, addresses: ['/x'] }, { type: 'relay-up', relay: RELAY })
    if (!isNew) await this.ask(person, { type: 'set-up', name })
    return person
  }

  /** Does a command and all that follows within 100 ms. Throws when it is refused. */
  async ask<C extends Command>(person: Person, command: C): Promise<Results[C['type']]> {
    const reply = await this.reply(person, command)
    if (reply === undefined || !reply.ok) throw new Error(`${person.name}'s ${command.type}: ${reply === undefined ? 'no answer' : reply.error.code}`)
    return reply.result as Results[C['type']]
  }

  async reply(person: Person, command: Command): Promise<Reply | undefined> {
    const id = this.nextId++
    person.queue.push({ type: 'command', client: 1, id, command })
    await this.pass(100)
    return person.replies.get(id)
  }

  leaves(person: Person): void {
    person.isHere = false
    for (const other of this.people) if (other !== person) other.queue.push({ type: 'peer-down', peer: person.peer })
  }

  async comesBack(person: Person): Promise<void> {
    person.isHere = true
    for (const other of this.people) if (other !== person) person.queue.push({ type: 'peer-down', peer: other.peer })
    person.queue.push({ type: 'relay-up', relay: RELAY })
    for (const [topic, since] of person.watches) this.deliver(person, topic, since)
    await this.pass(1000)
  }

  /** Cuts them off: their devices go on, alone, and what they send waits. */
  goesOffline(person: Person): void {
    this.cutOff.set(person, [])
    for (const other of this.people) if (other !== person) { other.queue.push({ type: 'peer-down', peer: person.peer }); person.queue.push({ type: 'peer-down', peer: other.peer }) }
    person.queue.push({ type: 'relay-down', relay: RELAY })
  }

  async comesOnline(person: Person): Promise<void> {
    const held = this.cutOff.get(person) ?? []
    this.cutOff.delete(person)
    person.queue.push({ type: 'relay-up', relay: RELAY })
    for (const [topic, since] of person.watches) this.deliver(person, topic, since)
    for (const post of held) post()
    await this.pass(1000)
  }

  private reaches(person: Person): boolean { return person.isHere && !this.cutOff.has(person) }

  /** Lets time pass: everything due in it happens. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms
    for (;;) {
      let busy = false
      for (const person of this.people) {
        const input = person.isHere ? person.queue.shift() : undefined
        if (input !== undefined) { busy = true; await this.step(person, input) }
      }
      if (busy) continue
      const next = this.nextWake(until)
      if (next === undefined) break
      this.now = Math.max(this.now, next.at)
      next.person.wakes.delete(next.tag)
      next.person.queue.push({ type: 'timer', tag: next.tag })
    }
    this.now = until
  }

  /** Lets much time pass at once, as on devices that sleep: what became due meanwhile happens now. */
  async sleep(ms: number): Promise<void> {
    this.now += ms
    await this.pass(10_000)
  }

  private nextWake(until: number): { person: Person; tag: string; at: number } | undefined {
    let next: { person: Person; tag: string; at: number } | undefined
    for (const person of this.people) {
      if (!person.isHere) continue
      for (const [tag, at] of person.wakes) if (at <= until && (next === undefined || at < next.at)) next = { person, tag, at }
    }
    return next
  }

  private async step(person: Person, input: Input): Promise<void> { await this.carryOut(person, await person.engine.step(input, this.now + person.aheadMs)) }

  /** What an engine wants done, as its host would. */
  async carryOut(person: Person, step: Step): Promise<void> {
    await person.disk.save(step.saves)
    person.tally = step.tally ?? person.tally
    const rows: Input[] = []
    for (const read of step.reads) rows.push('copy' in read ? { type: 'copied', tag: read.tag, end: await this.copy(person, read) } : await readFrom(person.disk, read))
    person.queue.unshift(...rows)
    for (const send of step.sends) this.carry(person, send)
    for (const { tag, at } of step.wakes) if (at === Infinity) person.wakes.delete(tag); else person.wakes.set(tag, at - person.aheadMs)
    for (const tell of step.tells) if (tell.type === 'reply') person.replies.set(tell.reply.id, tell.reply); else person.updates.push(tell.update)
    if (step.startAgain === true) await this.startsAgain(person)
  }

  /** Copies that people have saved. */
  readonly copies = new Map<string, { readonly passphrase: string; readonly then: DiskSnapshot }>()

  private async copy(person: Person, { copy }: Extract<Read, { readonly copy: unknown }>): Promise<CopyEnd> {
    if (copy.type === 'cancel') return { type: 'cancelled' }
    if (copy.type === 'save') {
      const file = `${person.name}'s copy ${this.copies.size}`
      this.copies.set(file, { passphrase: copy.passphrase, then: person.disk.snapshot() })
      return { type: 'done', file, bytes: 1 }
    }
    const found = this.copies.get(copy.file)
    if (found?.passphrase !== copy.passphrase) return { type: found === undefined ? 'invalid' : 'locked' }
    person.disk = openMemoryDisk(found.then)
    await person.disk.save([{ type: 'put', partition: ME_PARTITION, key: TAKEN_KEY, value: new Uint8Array() }])
    return { type: 'done', file: copy.file, bytes: 1 }
  }

  /** As when the process ends: others see the connection go. */
  async startsAgain(person: Person): Promise<void> {
    for (const other of this.people) if (other !== person) other.queue.push({ type: 'peer-down', peer: person.peer })
    await person.restart()
  }

  private carry(from: Person, send: Send): void {
    const other = (peer: string): Person | undefined => this.people.find((p) => p.peer === peer && this.reaches(p))
    const held = this.cutOff.get(from)
    if (held !== undefined) {
      if (send.type === 'post' || send.type === 'compare') held.push(() => this.carry(from, send))
      if (send.type === 'watch') from.watches.set(send.key.topic, send.since)
      if (send.type === 'unwatch') from.watches.delete(send.topic)
      return
    }
    switch (send.type) {
      case 'dial': {
        const to = other(send.peer)
        // Whoever is away doesn't answer: an answer at once, and no time passing, would be a circle.
        if (to === undefined || !this.canDial) return
        from.queue.push({ type: 'peer-up', peer: send.peer, path: 'direct' })
        to.queue.push({ type: 'peer-up', peer: from.peer, path: 'direct' })
        return
      }
      case 'frame': {
        const to = other(send.peer)
        if (to !== undefined) this.seesFrame?.(send.bytes, from, to)
        to?.queue.push({ type: 'frame', peer: from.peer, bytes: send.bytes })
        return
      }
      case 'watch': from.watches.set(send.key.topic, send.since); this.deliver(from, send.key.topic, send.since); return
      case 'unwatch': from.watches.delete(send.topic); return
      case 'compare': this.compare(from, send.key.topic, send.held); return
      case 'post': if (this.onTheWay === undefined) this.post(from, send); else this.onTheWay.push(() => this.post(from, send)); return
      case 'announce':
        for (const person of this.people) {
          if (person !== from && this.reaches(person) && person.watches.has(send.key.topic)) person.queue.push({ type: 'announced', relay: RELAY, topic: send.key.topic, bytes: send.bytes })
        }
        return
      default:
    }
  }

  /** As after the death of its disk; nobody is told. */
  relayForgets(topic?: string): void { if (topic === undefined) this.boxes.clear(); else this.boxes.delete(topic) }

  /** What lies there. */
  boxOf(topic: string): readonly Uint8Array[] { return this.boxes.get(topic) ?? [] }

  /** The relay has this there, and nothing else. */
  relayHolds(topic: string, parcels: readonly Uint8Array[]): void { this.boxes.set(topic, [...parcels]) }

  /** What was on its way reaches the relay. */
  arrive(): void {
    const late = this.onTheWay ?? []
    this.onTheWay = undefined
    for (const post of late) post()
  }

  /** How many parcels the relay keeps. */
  get kept(): number { return [...this.boxes.values()].reduce((sum, box) => sum + box.length, 0) }

  /** The relay loses what it kept: all, or of these topics. */
  forgets(topics: Iterable<string> = [...this.boxes.keys()]): void { for (const topic of topics) this.boxes.delete(topic) }

  private post(from: Person, send: Send & { type: 'post' }): void {
    const box = this.boxes.get(send.key.topic) ?? []
    box.push(send.bytes)
    this.boxes.set(send.key.topic, box)
    from.queue.push({ type: 'posted', relay: RELAY, topic: send.key.topic, parcelId: send.parcelId, cursor: box.length })
    for (const person of this.people) if (this.reaches(person) && person.watches.has(send.key.topic)) this.deliver(person, send.key.topic, box.length - 1)
  }

  /** The toy relay loses nothing: whoever compares holds less, or as much. */
  private compare(person: Person, topic: string, held: Uint8Array): void {
    const box = this.boxes.get(topic) ?? [], known = new Set<string>(), ids = box.map((bytes) => toHex(sha256(bytes).subarray(0, 16)))
    for (let at = 0; at < held.length; at += 16) known.add(toHex(held.subarray(at, at + 16)))
    const parcels = box.flatMap((bytes, i) => (known.has(ids[i] as string) ? [] : [{ cursor: i + 1, bytes }]))
    const result = { lacks: new Set([...known].filter((id) => !ids.includes(id))), found: parcels.length, next: box.length, hash: new Uint8Array(32) }
    if (parcels.length > 0) person.queue.push({ type: 'found', relay: RELAY, topic, parcels })
    person.queue.push({ type: 'compared', relay: RELAY, topic, result })
  }

  private deliver(person: Person, topic: string, since: number): void {
    const box = this.boxes.get(topic) ?? []
    if (this.isSilent) return
    person.watches.set(topic, box.length)
    person.queue.push({ type: 'parcels', relay: RELAY, topic, parcels: box.slice(since).map((bytes, i) => ({ cursor: since + i + 1, bytes })), next: box.length, end: true })
  }
}
