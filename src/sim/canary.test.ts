/** Planted bugs: engines that are wrong in one way. If the simulator doesn't see one of these, it would not see a real one. */
import { describe, expect, test } from 'vitest'
import { createEngine } from '../engine/engine.ts'
import type { Step, Stepper } from '../engine/input.ts'
import type { Ciphersuite, Save } from '../ports.ts'
import { fromUtf8 } from '../wire/bytes.ts'
import type { MakeEngine } from './node.ts'
import { simulate } from './run.ts'

/** The real engine with its steps changed. `plant` gives each start of an engine a memory of its own. */
function planted(plant: () => (step: Step, command: string | undefined) => Step): MakeEngine {
  return (_device, suite, random): Stepper => {
    const engine = createEngine({ suite, random })
    const change = plant()
    return { step: async (input, now) => change(await engine.step(input, now), input.type === 'command' ? input.command.type : undefined) }
  }
}

/** What is found in a few seeds. */
async function findings(makeEngine: MakeEngine, seeds = 4): Promise<string[]> {
  const found: string[] = []
  for (let seed = 1; seed <= seeds && found.length === 0; seed++) {
    const { failure } = await simulate({ seed, steps: 60, peers: 4, makeEngine })
    if (failure !== undefined) found.push(failure)
  }
  return found
}

const isOp = (save: Save): boolean => save.type === 'put' && save.partition.startsWith('ops/')

describe('the simulator finds an engine that', () => {
  test('sends before it saves', async () => {
    const engine = planted(() => {
      let held: readonly Save[] = []
      return (step) => { const saves = held; held = step.saves; return { ...step, saves } }
    })
    expect((await findings(engine))[0]).toMatch(/^(S1|S2|L|S4)/)
  })

  test('answers a message that it keeps only in memory', async () => {
    const engine = planted(() => (step, command) => (command === 'send-message' ? { ...step, saves: [], sends: [] } : step))
    expect((await findings(engine))[0]).toMatch(/^(L|S)/)
  })

  test('uses a number of its chain twice, because it forgets its heads over a restart', async () => {
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !save.partition.startsWith('heads/')) }))
    expect((await findings(engine))[0]).toMatch(/^(S1|L|S4)/)
  })

  test('loses every tenth op on its way to the disk', async () => {
    let n = 0
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !isOp(save) || ++n % 10 !== 0) }))
    expect((await findings(engine))[0]).toMatch(/^(S2|L|S4)/)
  })

  test('takes ops that nobody signed', async () => {
    const gullible = (suite: Ciphersuite, isForger: boolean): Ciphersuite => ({
      ...suite,
      verify: async () => true,
      // Bob's ops are signed with nothing.
      sign: async (key, message) => (isForger && fromUtf8(message.subarray(0, 6)) === 'tk1 op' ? new Uint8Array(64) : suite.sign(key, message)),
    })
    expect((await findings((device, suite, random) => createEngine({ suite: gullible(suite, device === 'Bob'), random })))[0]).toMatch(/^S5/)
  })

  test('never posts to relays', async () => {
    const engine = planted(() => (step) => ({ ...step, sends: step.sends.filter((send) => send.type !== 'post') }))
    expect((await findings(engine))[0]).toMatch(/^(L|S)/)
  })

  test('never asks a peer for what it lacks, nor reads relays again after its first look', async () => {
    const engine = planted(() => (step) => ({ ...step, sends: step.sends.filter((send) => send.type !== 'frame'), saves: step.saves.filter((save) => !save.partition.startsWith('parked/') && !save.partition.startsWith('unopened/')) }))
    expect((await findings(engine, 12))[0]).toMatch(/^(L|S)/)
  })

  test('throws at a frame', async () => {
    const engine: MakeEngine = (_device, suite, random) => {
      const real = createEngine({ suite, random })
      let frames = 0
      return { step: (input, now) => { if (input.type === 'frame' && ++frames === 5) throw new Error('planted'); return real.step(input, now) } }
    }
    expect((await findings(engine))[0]).toMatch(/^S4.*planted/)
  })

  test("takes its chance from somewhere else than its port: the traces differ", async () => {
    let elsewhere = 0
    const engine = planted(() => (step) => ({ ...step, wakes: step.wakes.map((wake) => ({ ...wake, at: wake.at + (++elsewhere % 7) })) }))
    const plan = { seed: 1, steps: 20, peers: 3, makeEngine: engine }
    expect((await simulate(plan)).hash).not.toBe((await simulate(plan)).hash)
  })

  test('works: none of the above is found in the real one', async () => {
    expect(await findings((_device, suite, random) => createEngine({ suite, random }))).toEqual([])
  })
})
