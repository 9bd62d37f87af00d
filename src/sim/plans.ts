/** Which runs are played: the share of every change, and the long share, which takes days and is played in portions. */
import type { Plan } from './run.ts'
import { Chance } from './world.ts'

export type FullPlan = Required<Omit<Plan, 'tamper'>>

export const SHARE_SEEDS = 200
const SHARE_STEPS = 200
const LONG_STEPS = [200, 200, 400, 1000]

/** Of the share that runs with every change: 2 to 12 peers, every fifth seed with a liar, every fourth wide. */
export const sharePlan = (seed: number): FullPlan =>
  ({ seed, steps: SHARE_STEPS, peers: 2 + (seed % 11), liars: seed % 5 === 0 && seed % 11 > 1 ? 1 : 0, calm: false, isWide: seed % 4 === 3 })

/** Of the long share: up to 60 peers and 1000 steps, up to half of the peers liars, every other one wide. Small ones are drawn more often: they cost less, and find as much. */
export function longPlan(seed: number): FullPlan {
  const chance = new Chance(`long share ${seed}`), size = chance.int(5)
  const peers = size < 3 ? chance.between(2, 12) : size === 3 ? chance.between(13, 30) : chance.between(31, 60)
  const lying = chance.int(5)
  const liars = peers < 3 || lying > 2 ? 0 : lying === 0 ? 1 : Math.floor(peers / 2)
  return { seed, steps: chance.pick(LONG_STEPS) as number, peers, liars, calm: false, isWide: chance.percent(50) }
}
