/** A few short runs among the unit tests, each twice. share.ts runs many with every change, `npm run sim -- --minutes N` as many as there is time for. */
import { expect, test } from 'vitest'
import { simulate } from './run.ts'

const STEPS = 100

test.each(Array.from({ length: 8 }, (_, i) => i + 1))('seed %i: whatever happened, everyone ends up with the same, and the same seed with the same trace', async (seed) => {
  const plan = { seed, steps: STEPS, peers: 2 + (seed % 4) }
  const first = await simulate(plan)
  expect(first.failure && `${first.failure}\n${first.lastLines.join('\n')}\nnpm run sim -- --seed ${seed} --steps ${plan.steps} --peers ${plan.peers}`).toBeUndefined()
  const second = await simulate(plan)
  expect(second.hash).toBe(first.hash)
}, 120_000)

test.each(Array.from({ length: 4 }, (_, i) => i + 1))('seed %i with a liar: everyone honest ends up with the same', async (seed) => {
  const plan = { seed, steps: STEPS, peers: 4, liars: 1 + (seed % 2) }
  const { failure, lastLines } = await simulate(plan)
  expect(failure && `${failure}\n${lastLines.join('\n')}\nnpm run sim -- --seed ${seed} --steps ${plan.steps} --peers ${plan.peers} --liars ${plan.liars}`).toBeUndefined()
}, 120_000)

test('on a calm day all is well at the first look', async () => {
  const { failure, healedAfterMs, said } = await simulate({ seed: 1000, steps: 60, peers: 4, calm: true })
  expect(failure).toBeUndefined()
  expect(healedAfterMs).toBe(10_000)
  expect(said).toBeGreaterThan(10)
})

test('another seed is another story', async () => {
  const [one, two] = [await simulate({ seed: 1, steps: 5, peers: 2 }), await simulate({ seed: 2, steps: 5, peers: 2 })]
  expect(one.hash).not.toBe(two.hash)
})
