/** What the share doesn't play yet, in small: private channels, conversations, other relays, cleared channels, recoveries, nights and weeks away, disks that are put back, and damaged. */
import { expect, test } from 'vitest'
import type { Engine } from '../engine/engine.ts'
import type { Tamper } from './node.ts'
import { simulate } from './run.ts'

const wide = { steps: 60, peers: 4, isWide: true }

test.each([1, 2, 3, 4, 5, 6])('all is well after all that people do, and disks that forget it: seed %i', async (seed) => {
  expect((await simulate({ ...wide, seed })).failure).toBeUndefined()
}, 60_000)

test('an engine that goes on signing on a disk that was put back is found', async () => {
  const heedless: Tamper = () => ({ before: (input, engine: Engine) => { engine.succession.isSure = () => true; engine.succession.due = async () => {}; return input } })
  const found: string[] = []
  for (let seed = 1; seed <= 12 && found.length === 0; seed++) {
    const { failure } = await simulate({ ...wide, seed, steps: 120, tamper: heedless })
    if (failure !== undefined) found.push(failure)
  }
  expect(found[0]).toMatch(/^S1|^[LIP]\d/)
}, 120_000)

test('an engine that does not look for what its damaged disk lost is found', async () => {
  const careless: Tamper = () => ({ before: (input, engine: Engine) => { engine.mending.begin = () => {}; return input } })
  const found: string[] = []
  for (let seed = 1; seed <= 24 && found.length === 0; seed++) {
    const { failure } = await simulate({ ...wide, seed, steps: 120, tamper: careless })
    if (failure !== undefined) found.push(failure)
  }
  expect(found[0]).toMatch(/^[LISP]\d/)
}, 120_000)
