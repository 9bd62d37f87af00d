/**
 * One simulation from a seed: twice a time with faults, then a healing, and then the proof that all is well within a bound. In the end somebody new is
 * invited, and all must be well with them too.
 */
import { SUCCEED_UNREAD_MS } from '../engine/limits.ts'
import { Checks } from './checks.ts'
import { Liveness } from './liveness.ts'
import { PostOffice } from './mailbox.ts'
import { Ether } from './network.ts'
import { SimNode, type Tamper } from './node.ts'
import { namesOf, People } from './people.ts'
import type { SpaceId } from '../wire/ids.ts'
import { BEGINNING, World } from './world.ts'

export interface Plan {
  readonly seed: number
  /** Actions of people and surroundings. */
  readonly steps: number
  readonly peers: number
  /** How many of the peers lie. */
  readonly liars?: number
  /** Another software in place of the real one, to see that its bugs are caught. */
  readonly tamper?: Tamper
  /** No faults at all: for what must work on a good day. */
  readonly calm?: boolean
  /** Also what the share doesn't play yet: private channels, conversations, second devices, other relays, cleared channels, recoveries, nights, and disks that are put back. */
  readonly isWide?: boolean
}

export interface Outcome {
  readonly hash: string
  readonly failure: string | undefined
  readonly lastLines: readonly string[]
  readonly events: number
  readonly said: number
  readonly virtualMs: number
  /** Virtual time from the last healing until all was well. */
  readonly healedAfterMs: number
}

const RELAYS = ['https://one.example', 'https://two.example']
/** Machines that people may link as their second ones. */
const SPARES = ['first phone', 'second phone']
const ROUNDS = 2
/** After a healing, all must be well within this; where a disk was put back, once its device has heard what it had forgotten, or waited for that (S9). */
export const HEALING_MS = 10 * 60_000
const LOOK_EVERY_MS = 10_000
/** Nights after a healing in which what was put off may come: floods are as much as some days take. */
const MAX_NIGHTS = 60

/** The world of a plan, before anything happens in it. */
export class Simulation {
  readonly world: World
  readonly checks: Checks
  readonly nodes: readonly SimNode[]
  readonly people: People
  private readonly liveness: Liveness
  private readonly plan: Plan
  healedAfterMs = 0

  constructor(plan: Plan) {
    this.plan = plan
    this.world = new World(`simulation ${plan.seed}`)
    const ether = new Ether(this.world)
    const office = new PostOffice(this.world, ether, RELAYS.slice(0, this.world.chance.between(1, 2)))
    const names = namesOf(plan.peers)
    // Alice makes the spaces that everything is held against: she never lies.
    const liars = new Set(names.slice(1).slice(0, plan.liars ?? 0))
    this.checks = new Checks(this.world, liars)
    const node = (name: string): SimNode => new SimNode(this.world, ether, office, name, `simulation ${plan.seed}`, plan.tamper ?? (() => undefined), this.checks)
    const spares = (plan.isWide === true ? SPARES : []).map(node)
    for (const spare of spares) spare.isSpare = true
    this.nodes = [...names.map(node), ...spares]
    this.people = new People({ world: this.world, ether, office, nodes: this.nodes, checks: this.checks })
    this.liveness = new Liveness(this.world, this.checks, (space) => this.people.judgeOf(space))
  }

  /** What went wrong, if anything did. */
  async play(): Promise<string | undefined> {
    await this.people.begin(this.plan.calm === true)
    for (let round = 0; round < ROUNDS; round++) {
      const steps = Math.floor(this.plan.steps / ROUNDS) + (round < this.plan.steps % ROUNDS ? 1 : 0)
      const problem = await this.trouble(steps) ?? await this.heal()
      if (problem !== undefined) return problem
    }
    const problem = await this.people.welcome() ?? await this.settleDown()
    return problem ?? this.violated()
  }

  private async trouble(steps: number): Promise<string | undefined> {
    this.world.faults = this.plan.calm !== true
    for (let step = 0; step < steps && this.checks.violation === undefined; step++) {
      await this.people.act(this.plan.calm === true, this.plan.isWide === true)
      await this.world.runFor(pause(this.world))
    }
    await this.checks.ponder(this.nodes, this.judges(), false)
    return this.violated()
  }

  /** Of each space, somebody who is in it for sure. */
  private judges(): { readonly id: SpaceId; readonly judge: SimNode }[] { return this.people.spaces.map((space) => ({ id: space.id, judge: this.people.judgeOf(space) })) }

  private violated(): string | undefined { return this.checks.violation?.message }

  private async heal(): Promise<string | undefined> {
    await this.people.heal()
    const healedAt = this.world.now
    const problem = await this.settleDown()
    this.healedAfterMs = this.world.now - healedAt
    return problem
  }

  private async settleDown(): Promise<string | undefined> {
    let problem: string | undefined
    let bound = HEALING_MS, nights = 0
    for (let waited = 0; waited < bound; waited += LOOK_EVERY_MS) {
      await this.world.runFor(LOOK_EVERY_MS)
      if (this.nodes.some(({ engine }) => engine?.succession.isBehind === true)) bound = Math.min(waited, SUCCEED_UNREAD_MS) + HEALING_MS
      problem = await this.liveness.unsettled(this.nodes, this.people.spaces)
      if (this.violated() !== undefined) return this.violated()
      // What was too much for one day comes the next.
      if (nights < MAX_NIGHTS && this.nodes.some(({ name, engine }) => this.checks.isHonest(name) && [...engine?.replicas.values() ?? []].some(({ quota }) => quota.stopsSome))) {
        nights++
        await this.people.sleep()
        bound = waited + HEALING_MS
        continue
      }
      if (problem !== undefined) continue
      await this.checks.ponder(this.nodes, this.judges(), true)
      return this.violated()
    }
    return `${problem}, ${bound / 60_000} minutes after the healing`
  }
}

export async function simulate(plan: Plan): Promise<Outcome> {
  const simulation = new Simulation(plan)
  const { world, checks, nodes } = simulation
  let failure: string | undefined
  try {
    failure = await simulation.play()
  } catch (error) { failure = checks.violation?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)) }
  const lastLines = [...world.lastLines()]
  for (const node of nodes) node.kill()
  return { hash: world.traceHash(), failure, lastLines, events: world.events, said: checks.accepted.size, virtualMs: world.now - BEGINNING, healedAfterMs: simulation.healedAfterMs }
}

/** Mostly moments, at times minutes. */
const pause = (world: World): number => (world.chance.percent(8) ? world.chance.between(10_000, 120_000) : world.chance.between(0, 3000))
