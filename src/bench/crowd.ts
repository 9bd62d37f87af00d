/**
 * A space of many, in the simulator's virtual time: whole hosts and engines with real MLS, one relay, fair weather. How much each hears for what is said,
 * what being there costs, and how long two halves that were out of each other's reach take to be one again.
 *
 * In a crowd everybody is online. In a town most people have come in by the founder's link, have gone again, and stay members: its sizes are beyond those
 * at which everybody could process everybody's joining on one machine.
 */
import type { Engine } from '../engine/engine.ts'
import type { Command, Reply, Results, Update } from '../api.ts'
import type { Input } from '../engine/input.ts'
import { MAX_SAID_BYTES_A_DAY } from '../engine/limits.ts'
import { PostOffice } from '../sim/mailbox.ts'
import { Ether, FAIR } from '../sim/network.ts'
import { SimNode, type Tamper, type Witness } from '../sim/node.ts'
import { World } from '../sim/world.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { type Figure, median, quantile, worked } from './table.ts'

const RELAY = 'https://one.example'
const LOOK_EVERY_MS = 50
const PATIENCE_MS = 10 * 60_000
/** Between two people's words. */
const PAUSE_MS = 200
const MINUTE_MS = 60_000
const VISIT_MS = 2000
const MOST_USES = 10_000
const REOPENINGS = 5

export async function benchCrowd(sizes: readonly number[]): Promise<Figure[]> {
  const out: Figure[] = []
  for (const size of sizes) {
    const crowd = new Crowd(size), { figures, note } = noted(size)
    const gathering = await worked(() => crowd.gather())
    note('everyone joins: CPU of a member', gathering / size, 'ms')
    note('everyone joins: heard by a member', crowd.takeHeard() / size / 1000, 'KB')
    out.push(...figures, ...await benchTogether(crowd, size))
  }
  return out
}

/** `here` of the members are online; the others joined before them, one after the other, and went. */
export async function benchTown(sizes: readonly number[], here: number): Promise<Figure[]> {
  const out: Figure[] = []
  for (const size of sizes) {
    const town = new Crowd(here), { figures, note } = noted(size)
    await town.found()
    for (let n = here; n < size; n++) await town.visit(n)
    town.takeHeard()
    const last = await worked(() => town.joinAll())
    note(`the last ${here - 1} join: CPU of one who is here, a joining`, last / here / (here - 1), 'ms')
    note(`the last ${here - 1} join: heard by one of them`, town.takeHeard() / here / 1000, 'KB')
    out.push(...figures, ...await benchTogether(town, size))
  }
  return out
}

const nameOf = (n: number): string => `member-${n}`

type Note = (what: string, value: number, unit: string, beside?: string) => void

/** Whom each figure is told at once: what takes an hour may not come to its end. */
export type Tell = (figure: Figure) => void

export function noted(at: number, tell: Tell = () => undefined): { readonly figures: Figure[]; readonly note: Note } {
  const figures: Figure[] = []
  return { figures, note: (what, value, unit, beside) => {
    const figure = { what, value, unit, at, ...(beside === undefined ? {} : { beside }) }
    figures.push(figure)
    tell(figure)
  } }
}

/** Those who are here idle, talk, are split, and meet again. */
export async function benchTogether(crowd: Crowd, at: number, tell?: Tell): Promise<Figure[]> {
  const { figures, note } = noted(at, tell), size = crowd.nodes.length, what = crowd.words
  await crowd.world.runFor(MINUTE_MS)
  crowd.takeHeard()
  const idling = await worked(() => crowd.world.runFor(MINUTE_MS))
  note('a minute of being there: heard by a member', crowd.takeHeard() / size / 1000, 'KB')
  note('a minute of being there: CPU of a member', idling / size, 'ms')
  const talking = await worked(async () => { await crowd.talk(crowd.speakers); await crowd.untilAllHeard() })
  const delivered = crowd.delays.length
  note(`${what}: delivered`, delivered, '', `to every other member: ${crowd.speakers.length * (size - 1)}`)
  note(`${what}: heard by a member for a delivery`, crowd.takeHeard() / delivered, 'B', 'presence in it')
  note(`${what}: CPU for a delivery`, talking / delivered, 'ms')
  note(`${what}: said to shown`, median(crowd.delays), 'ms', `virtual; a frame takes ${FAIR.latency.from}-${FAIR.latency.to}`)
  note(`${what}: said to shown, p95`, quantile(crowd.delays, 0.95), 'ms', 'virtual')
  await crowd.split()
  crowd.takeHeard()
  const healedAt = crowd.world.now, before = process.cpuUsage()
  crowd.heal()
  await crowd.untilAllHeard()
  note('halves meet again: until all is everywhere', crowd.world.now - healedAt, 'ms', `virtual; ${crowd.changes} while apart; the relay on one side`)
  await crowd.untilOne()
  note('halves meet again: until all are in one epoch', crowd.world.now - healedAt, 'ms', 'virtual')
  const { user, system } = process.cpuUsage(before)
  note('halves meet again: heard by a member', crowd.takeHeard() / size / 1000, 'KB')
  note('halves meet again: CPU of a member', (user + system) / 1000 / size, 'ms')
  for (let n = 0; n < REOPENINGS; n++) await crowd.reopen()
  note('opened again: CPU', median(crowd.openings), 'ms', `median of ${REOPENINGS}; a disk in memory, nothing sealed, the code warm`)
  crowd.end()
  return figures
}

/** People in a space, and what was said there. */
export class Crowd implements Witness {
  readonly world: World
  readonly nodes: readonly SimNode[]
  /** Ms of virtual time from what was said to each other's client, since the last `talk` began. */
  delays: number[] = []
  /** Processor's ms until who came back had their spaces. */
  readonly openings: number[] = []
  /** Who speaks when there is talk, in this order, and how that is called; and what happens in the halves. */
  readonly words: string = 'a word by each'
  readonly changes: string = 'a word by each and two new channels'
  protected readonly relaySide: 0 | 1 = 0
  private readonly tamper: Tamper
  protected readonly ether: Ether
  protected readonly office: PostOffice
  protected link = ''
  protected space: { readonly id: SpaceId; readonly channel: ChannelId } | undefined
  /** When each text was said, and by whom it is known. */
  private readonly said = new Map<string, { readonly at: number; readonly knows: Set<string> }>()
  private heard = 0
  protected lastFailure: string | undefined

  constructor(size: number, tamper: Tamper = () => undefined) {
    this.tamper = tamper
    this.world = new World(`crowd of ${size}`)
    this.world.faults = false
    this.world.isTraced = false
    this.world.keepsPasts = false
    this.ether = new Ether(this.world)
    this.office = new PostOffice(this.world, this.ether, [RELAY])
    this.nodes = Array.from({ length: size }, (_, n) => this.person(n))
  }

  get speakers(): readonly SimNode[] { return this.nodes }
  /** Who is to hear what is said. */
  protected get listeners(): readonly SimNode[] { return this.nodes }

  protected person(n: number): SimNode { return new SimNode(this.world, this.ether, this.office, nameOf(n), 'crowd', this.tamper, this, MAX_SAID_BYTES_A_DAY) }

  // ---- as the simulator's witness ----

  saving(): void { /* Disks don't fail here. */ }
  failed(device: string, line: string): void { this.lastFailure = `${device}: ${line}` }
  stepped(_device: SimNode, _engine: Engine, input: Input): void {
    if (input.type === 'frame' || input.type === 'gossip' || input.type === 'announced') this.heard += input.bytes.length
    if (input.type === 'parcels') for (const parcel of input.parcels) this.heard += parcel.bytes.length
  }
  ended(): void { /* They end when all is measured. */ }
  putBack(): void { /* Their disks keep what they have. */ }
  stumbled(): void { /* Nothing of it is damaged. */ }
  cut(): void { /* Nothing of it is damaged. */ }
  updated({ name }: SimNode, update: Update): void {
    if (update.type !== 'messages') return
    for (const { text } of update.messages) {
      const about = this.said.get(text)
      if (about === undefined || about.knows.has(name)) continue
      about.knows.add(name)
      this.delays.push(this.world.now - about.at)
    }
  }

  /** Bytes that all engines together were handed since the last call. */
  takeHeard(): number {
    const { heard } = this
    this.heard = 0
    return heard
  }

  // ---- what they do ----

  async ask<C extends Command>(node: SimNode, command: C): Promise<Results[C['type']]> {
    let reply: Reply | undefined
    node.ask(command, (answer) => { reply = answer })
    for (let waited = 0; reply === undefined; waited += LOOK_EVERY_MS) {
      if (waited > PATIENCE_MS) throw new Error(`${node.name}'s ${command.type} was never answered; ${this.lastFailure ?? 'nothing failed'}`)
      await this.world.runFor(LOOK_EVERY_MS)
    }
    if (!reply.ok) throw new Error(`${node.name}'s ${command.type}: ${reply.error.code}`)
    return reply.result as Results[C['type']]
  }

  async gather(): Promise<void> {
    await this.found()
    await this.joinAll()
  }

  async found(): Promise<void> {
    const [alice] = this.nodes as [SimNode]
    await alice.start()
    await this.ask(alice, { type: 'set-up', name: alice.name })
    const { space: id, channel } = await this.ask(alice, { type: 'create-space', name: 'Town', relays: [RELAY] })
    this.space = { id, channel }
    this.link = (await this.ask(alice, { type: 'create-invite', space: id, uses: MOST_USES })).link
  }

  async joinAll(): Promise<void> { for (const node of this.nodes.slice(1)) await this.join(node) }

  /** Somebody joins, and goes when the founder knows. */
  async visit(n: number): Promise<void> {
    const node = this.person(n)
    await this.join(node)
    await this.world.runFor(VISIT_MS)
    node.kill()
  }

  protected async join(node: SimNode): Promise<void> {
    await node.start()
    await this.ask(node, { type: 'set-up', name: node.name })
    await this.ask(node, { type: 'join', link: this.link })
  }

  /** One after the other says something. */
  async talk(who: readonly SimNode[]): Promise<void> {
    const { space } = this
    if (space === undefined) throw new Error('there is no space to talk in')
    this.delays = []
    for (const node of who) {
      const text = `${node.name} says word ${this.said.size}`
      this.said.set(text, { at: this.world.now, knows: new Set([node.name]) })
      node.ask({ type: 'send-message', space: space.id, channel: space.channel, text })
      await this.world.runFor(PAUSE_MS)
    }
  }

  async untilAllHeard(): Promise<void> {
    const lacking = (): number => [...this.said.values()].filter(({ knows }) => this.listeners.some(({ name }) => !knows.has(name))).length
    for (let waited = 0; lacking() > 0; waited += LOOK_EVERY_MS) {
      if (waited > PATIENCE_MS) throw new Error(`${lacking()} words did not reach everyone; ${this.lastFailure ?? 'nothing failed'}`)
      await this.world.runFor(LOOK_EVERY_MS)
    }
  }

  /** In everyone's group. */
  async untilOne(): Promise<void> {
    const tips = (): Set<string> => new Set(this.listeners.map(({ engine }) => {
      const groups = engine?.replicas.get(this.space?.id as SpaceId)?.groups, tip = groups?.tip()
      return tip !== undefined && groups?.states.has(tip) === true ? tip : 'none'
    }))
    for (let waited = 0, found = tips(); found.size > 1 || found.has('none'); waited += LOOK_EVERY_MS, found = tips()) {
      if (waited > PATIENCE_MS) throw new Error(`there are ${found.size} tips`)
      await this.world.runFor(LOOK_EVERY_MS)
    }
  }

  /** Two halves go on without each other, in each of which somebody makes a channel and everybody says something. The relay is on one side. */
  async split(): Promise<void> {
    const { space } = this, half = Math.floor(this.nodes.length / 2)
    if (space === undefined) throw new Error('there is no space to split')
    this.ether.partition(new Map([...this.nodes.map((node, n): [string, number] => [node.name, n < half ? 0 : 1]), [RELAY, this.relaySide], [nameOf(this.nodes.length), this.relaySide]]))
    this.office.lookAround()
    // Connections that carry nothing are noticed by and by.
    await this.world.runFor(MINUTE_MS)
    await this.change(space.id, half)
    await this.talk(this.speakers)
    await this.world.runFor(MINUTE_MS)
  }

  /** What the halves do that changes the space. */
  protected async change(space: SpaceId, half: number): Promise<void> {
    for (const n of [0, half]) (this.nodes[n] as SimNode).ask({ type: 'create-channel', space, name: `of half ${n === 0 ? 1 : 2}` })
  }

  heal(): void {
    this.ether.partition(new Map())
    this.office.lookAround()
  }

  /** Somebody closes the app and comes back. */
  async reopen(): Promise<void> {
    const [alice] = this.nodes as [SimNode]
    await alice.stop()
    await this.world.runFor(MINUTE_MS)
    this.openings.push(await worked(async () => { await alice.start(); await this.ask(alice, { type: 'list-spaces' }) }))
  }

  end(): void { for (const node of this.nodes) node.kill() }
}
