/** One simulation from a seed: a time with faults, a healing, and then the proof that all is well within a bound. */
import { createEngine } from '../engine/engine.ts'
import { Checks } from './checks.ts'
import { PostOffice } from './mailbox.ts'
import { Ether } from './network.ts'
import { type MakeEngine, SimNode } from './node.ts'
import { namesOf, People } from './people.ts'
import { BEGINNING, World } from './world.ts'

export interface Plan {
  readonly seed: number
  /** Actions of people and surroundings. */
  readonly steps: number
  readonly peers: number
  /** Another engine in place of the real one, to see that its bugs are caught. */
  readonly makeEngine?: MakeEngine
  /** No faults at all: for what must work on a good day. */
  readonly calm?: boolean
}

export interface Outcome {
  readonly hash: string
  readonly failure: string | undefined
  readonly lastLines: readonly string[]
  readonly events: number
  readonly said: number
  readonly virtualMs: number
  /** Virtual time from the healing until all was well. */
  readonly healedAfterMs: number
}

const RELAYS = ['https://one.example', 'https://two.example']
/** After the healing, all must be well within this. */
export const HEALING_MS = 10 * 60_000
const LOOK_EVERY_MS = 10_000

export async function simulate(plan: Plan): Promise<Outcome> {
  const world = new World(`simulation ${plan.seed}`)
  const ether = new Ether(world)
  const office = new PostOffice(world, ether, RELAYS.slice(0, world.chance.between(1, 2)))
  const checks = new Checks(world)
  const makeEngine: MakeEngine = plan.makeEngine ?? ((_device, suite, random) => createEngine({ suite, random, appBase: 'https://thicket.example' }))
  const nodes = namesOf(plan.peers).map((name) => new SimNode(world, ether, office, name, `simulation ${plan.seed}`, makeEngine, checks))
  const people = new People({ world, ether, office, nodes, checks })
  let healedAfterMs = 0
  let failure: string | undefined
  try {
    await people.begin()
    for (let step = 0; step < plan.steps && checks.violation === undefined; step++) {
      await people.act(plan.calm === true)
      await world.runFor(pause(world))
    }
    if (checks.violation === undefined) {
      await people.heal()
      const healedAt = world.now
      failure = await settleDown(world, checks, people, nodes)
      healedAfterMs = world.now - healedAt
      failure ??= await people.welcome() ?? await settleDown(world, checks, people, nodes)
    }
  } catch (error) { failure = error instanceof Error ? (error.stack ?? error.message) : String(error) }
  const lastLines = [...world.lastLines()]
  for (const node of nodes) node.kill()
  return {
    hash: world.traceHash(), failure: checks.violation?.message ?? failure, lastLines, events: world.events, said: checks.accepted.size, virtualMs: world.now - BEGINNING, healedAfterMs,
  }
}

/** Mostly moments, at times minutes. */
const pause = (world: World): number => (world.chance.percent(8) ? world.chance.between(10_000, 120_000) : world.chance.between(0, 3000))

async function settleDown(world: World, checks: Checks, people: People, nodes: readonly SimNode[]): Promise<string | undefined> {
  let problem: string | undefined
  for (let waited = 0; waited < HEALING_MS; waited += LOOK_EVERY_MS) {
    await world.runFor(LOOK_EVERY_MS)
    problem = await checks.unsettled(nodes, people.spaces)
    if (problem === undefined || checks.violation !== undefined) return undefined
  }
  return `${problem}, ${HEALING_MS / 60_000} minutes after the healing`
}
