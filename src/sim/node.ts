/**
 * One device in the simulation: the real host and the real engine over simulated adapters. Its process may end at any moment; its disk stays.
 */
import type { Command, Reply, Update } from '../api.ts'
import { type DiskSnapshot, faultyDisk, type MemoryDisk, openMemoryDisk, type SaveFault } from '../adapters/disk-memory.ts'
import { Engine } from '../engine/engine.ts'
import type { Input, Step, Stepper } from '../engine/input.ts'
import { type Host, startHost } from '../host.ts'
import { createSuite } from '../adapters/suite.ts'
import { nodeCurves } from '../adapters/suite-curves-node.ts'
import type { Ciphersuite, Mailbox, Network, Random, Row, Save } from '../ports.ts'
import { Damage, type LostRow, type StaysLost } from './damage.ts'
import type { PostOffice } from './mailbox.ts'
import type { Ether } from './network.ts'
import { remembering } from './verified.ts'
import { Chance, type World } from './world.ts'

/** What is other about a device's software than about the real one: a planted bug, or a liar's. Made anew with each engine. */
export interface Tampering {
  readonly suite?: (suite: Ciphersuite) => Ciphersuite
  /** Before each step; may throw. `engine` is the real one, open for changes. */
  readonly before?: (input: Input, engine: Engine) => Input
  readonly after?: (step: Step, input: Input, engine: Engine) => Step | Promise<Step>
}
export type Tamper = (device: string) => Tampering | undefined

/** What the checks want to see of a device as it happens. */
export interface Witness {
  saving(device: SimNode, saves: readonly Save[], fault: SaveFault): void
  stepped(device: SimNode, engine: Engine, input: Input, step: Step): void
  updated(device: SimNode, update: Update): void
  /** The host had to drop an engine. */
  failed(device: string, line: string): void
  /** The process ended between two steps: what it had in memory must be there again after the next start. */
  ended(device: SimNode, engine: Engine): void
  /** Its disk is again what it once was. */
  putBack(device: SimNode, to: Past): void
  /** It came upon rows that can't be read. */
  stumbled(device: SimNode): void
  /** Its disk gave up these. */
  cut(device: SimNode, rows: readonly LostRow[]): void
}

/** A disk as it was once. */
export interface Past { readonly at: number; readonly disk: DiskSnapshot }

/** So many saves a disk may lose that said it had them. */
const KEPT_PASTS = 12
/** Bytes of what one device says that are taken in on a day (S31): twice what honest people here say at most. */
export const SAID_A_DAY = 64 * 1024

/** How the host begins to say that a disk was mended. */
const MENDED = 'The disk was damaged'

/** Shared by all worlds: what it remembers is keys by their bytes. */
const CURVES = nodeCurves()

interface Life { host: Host | undefined; engine: Engine | undefined; isAlive: boolean; network: Network; mailbox: Mailbox }

export class SimNode {
  readonly name: string
  /** Whose it is: a machine of their own name, or a second one. */
  person: string
  /** A machine that nobody has set up yet. */
  isSpare = false
  /** Added to the world's time: by so much its clock is wrong. */
  skewMs = 0
  /** The most that it ever was, either way. */
  worstSkewMs = 0
  /** Taken by the next save, then 'none' again. */
  nextSave: SaveFault = 'none'
  /** Until then every save finds the disk full. */
  fullUntil = 0
  private readonly world: World
  private readonly ether: Ether
  private readonly office: PostOffice
  private readonly tamper: Tamper
  private readonly witness: Witness
  private readonly saidADay: number
  private disk: MemoryDisk = openMemoryDisk()
  private readonly damage = new Damage()
  private tally: Uint8Array | undefined
  private readonly random: Random
  private suite: Ciphersuite | undefined
  private life: Life | undefined
  /** Before each of the last saves. */
  private pasts: Past[] = []
  /** At each start. */
  private readonly backups: Past[] = []
  private readonly asked = new Map<number, (reply: Reply) => void>()
  private nextId = 1
  starts = 0
  /** By its own clock. */
  startedAt = 0
  wasPutBack = false

  constructor(world: World, ether: Ether, office: PostOffice, name: string, seed: string, tamper: Tamper, witness: Witness, saidADay = SAID_A_DAY) {
    this.world = world
    this.ether = ether
    this.office = office
    this.name = name
    this.person = name
    this.tamper = tamper
    this.witness = witness
    this.saidADay = saidADay
    this.random = new Chance(`${seed} ${name}`).random
  }

  get isSecond(): boolean { return this.person !== this.name }
  belongsTo({ person, skewMs }: SimNode): void { this.person = person; this.setClock(skewMs) }
  /** Its person sets the clock, or it goes wrong by itself. What it waits for comes when it would have come: timers run by another clock. */
  setClock(skewMs: number): void { this.skewMs = skewMs; this.worstSkewMs = Math.max(this.worstSkewMs, Math.abs(skewMs)) }
  /** By its own clock. */
  get clock(): number { return this.world.now + this.skewMs }
  get isRunning(): boolean { return this.life?.isAlive === true }

  /** Starts the process on the disk as it was left. */
  async start(): Promise<void> {
    if (this.isRunning) return
    this.starts++
    this.startedAt = this.clock
    const past = this.disk.snapshot()
    this.backups.push({ at: this.world.now, disk: past })
    this.disk = openMemoryDisk(past)
    const suite = this.suite ??= remembering(await createSuite(this.random, CURVES), this.world.verified)
    const isAlive = (): boolean => life.isAlive
    const life: Life = { host: undefined, engine: undefined, isAlive: true, network: this.ether.network(this.name, isAlive), mailbox: this.office.mailbox(this.name, isAlive) }
    const readable = this.damage.over(this.disk, () => this.witness.stumbled(this), (rows) => this.witness.cut(this, rows))
    const disk = faultyDisk(readable, (saves) => this.decide(life, saves))
    const host = startHost({
      engine: () => this.engineFor(life, suite),
      disk, tally: { read: async () => this.tally, write: async (bytes) => { this.tally = bytes } }, network: life.network, mailbox: life.mailbox,
      clock: { now: () => this.clock },
      timers: {
        set: (at, fire) => this.world.at(at - this.skewMs, `${this.name} wakes`, () => { if (life.isAlive) fire() }),
        clear: (cancel) => { if (typeof cancel === 'function') cancel() },
      },
      tell: (tell) => {
        if (!life.isAlive) return
        if (tell.type === 'update') return this.witness.updated(this, tell.update)
        const answer = this.asked.get(tell.reply.id)
        this.asked.delete(tell.reply.id)
        answer?.(tell.reply)
      },
      log: (line) => {
        // Said when the next engine is there already.
        if (line.startsWith(MENDED)) return this.world.note(`${this.name} ${line}`)
        // Its memory may be ahead of the disk: nobody may look at it any more.
        life.engine = undefined
        if (life.isAlive) this.witness.failed(this.name, line)
      },
    })
    life.host = host
    this.life = life
    this.world.join(host)
  }

  /** What becomes of a save. The process may end in it. */
  private decide(life: Life, saves: readonly Save[]): SaveFault {
    if (!life.isAlive) return 'die-before'
    const fault = this.nextSave === 'none' && this.world.now < this.fullUntil ? 'full' : this.nextSave
    this.nextSave = 'none'
    if (this.world.keepsPasts) this.pasts = [...this.pasts.slice(1 - KEPT_PASTS), { at: this.world.now, disk: this.disk.snapshot() }]
    this.witness.saving(this, saves, fault)
    if (fault === 'die-before' || fault === 'die-after') {
      life.isAlive = false
      this.world.after(0, `${this.name} died`, () => this.ended())
    }
    return fault
  }

  private engineFor(life: Life, suite: Ciphersuite): Stepper {
    const tampering = this.tamper(this.name)
    const engine = new Engine({ suite: tampering?.suite?.(suite) ?? suite, random: this.random, appBase: 'https://thicket.example', saidADay: this.saidADay })
    life.engine = engine
    return { step: async (given, now) => {
      if (!life.isAlive) throw new Error('The process has ended')
      this.world.note(`${this.name} ${describe(given)}`, true)
      this.world.trace([this.name, now, given])
      const input = tampering?.before?.(given, engine) ?? given
      const made = await engine.step(input, now)
      const step = await tampering?.after?.(made, input, engine) ?? made
      this.world.trace(step)
      this.witness.stepped(this, engine, input, step)
      return step
    } }
  }

  /** As of the last step; undefined while the process doesn't run. */
  get engine(): Engine | undefined { return this.life?.isAlive === true ? this.life.engine : undefined }
  get network(): Network | undefined { return this.engine === undefined ? undefined : this.life?.network }
  get mailbox(): Mailbox | undefined { return this.engine === undefined ? undefined : this.life?.mailbox }

  /** The disk as it is now. */
  get left(): DiskSnapshot { return this.disk.snapshot() }

  /** What is on the disk now. */
  rows(partition: string): Promise<Row[]> { return openMemoryDisk(this.disk.snapshot()).range(partition, { limit: 100_000 }) }

  /** Closes the app as a person would. */
  async stop(): Promise<void> {
    const { life } = this
    if (life?.host === undefined || !life.isAlive) return
    await life.host.stop()
    if (life.engine !== undefined) this.witness.ended(this, life.engine)
    life.isAlive = false
    this.ended()
  }

  /** The process ends now, between two steps. */
  kill(): void {
    if (this.life?.isAlive !== true) return
    if (this.life.engine !== undefined) this.witness.ended(this, this.life.engine)
    this.life.isAlive = false
    this.world.note(`${this.name} is killed`)
    this.ended()
  }

  /** What its disk may be put back to: it has lost its last saves, or its person has restored a backup. On none of them is nobody. */
  get past(): readonly Past[] { return [...this.backups, ...this.pasts].filter(({ disk }) => disk.partitions.has('me')) }

  get isDamaged(): boolean { return this.damage.isThere }

  /** Some rows can't be read any more, which ones it has to find out. */
  loseRows(chance: Chance, stays: StaysLost): readonly LostRow[] { return this.damage.strike(this.disk, chance, stays) }

  /** The process ends, and the next start finds the disk as it was then. What is kept elsewhere of how far it was stays (S22). */
  putBack(to: Past): void {
    this.kill()
    this.wasPutBack = true
    this.disk = openMemoryDisk(to.disk)
    this.damage.clear()
    this.pasts = this.pasts.filter(({ at }) => at <= to.at)
    this.witness.putBack(this, to)
  }

  private ended(): void {
    if (this.life?.host !== undefined) this.world.leave(this.life.host)
    this.life = undefined
    this.nextSave = 'none'
    this.asked.clear()
    this.ether.gone(this.name)
    this.office.lookAround()
  }

  /** The answer may never come: the process may end before. */
  ask(command: Command, answer: (reply: Reply) => void = () => {}): void {
    if (this.life?.isAlive !== true) return
    const id = this.nextId++
    this.asked.set(id, answer)
    this.world.note(`${this.name} asks ${JSON.stringify(command).slice(0, 160)}`)
    this.life.host?.command(1, id, command)
  }

}

function describe(input: Input): string {
  switch (input.type) {
    case 'command': return `<- command ${input.command.type}`
    case 'frame': return `<- frame ${input.peer} ${input.bytes.length} B`
    case 'parcels': return `<- parcels ${input.relay} ${input.topic.slice(0, 8)} x${input.parcels.length} next ${input.next}`
    case 'announced': case 'gossip': return `<- ${input.type} ${input.topic.slice(0, 8)} ${input.bytes.length} B`
    case 'posted': case 'refused': return `<- ${input.type} ${input.parcelId}`
    case 'timer': case 'rows': case 'answers': return `<- ${input.type} ${input.tag}`
    case 'peer-up': case 'peer-down': case 'peer-path': return `<- ${input.type} ${input.peer}`
    case 'relay-up': case 'relay-down': case 'rolled-back': return `<- ${input.type} ${input.relay}`
    default: return `<- ${input.type}`
  }
}
