/** Planted bugs: engines that are wrong in one way. If the simulator doesn't see one of these, it would not see a real one. */
import { describe, expect, test } from 'vitest'
import type { Step } from '../engine/input.ts'
import type { Ciphersuite, Save } from '../ports.ts'
import { fromUtf8 } from '../wire/bytes.ts'
import type { Tamper } from './node.ts'
import { simulate } from './run.ts'

/** The real engine with its steps changed. `plant` gives each start of an engine a memory of its own. */
function planted(plant: () => (step: Step, command: string | undefined) => Step): Tamper {
  return () => {
    const change = plant()
    return { after: (step, input) => change(step, input.type === 'command' ? input.command.type : undefined) }
  }
}

/** What is found in a few seeds. */
async function findings(tamper: Tamper, seeds = 4): Promise<string[]> {
  const found: string[] = []
  for (let seed = 1; seed <= seeds && found.length === 0; seed++) {
    const { failure } = await simulate({ seed, steps: 60, peers: 4, tamper })
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
    expect((await findings(engine))[0]).toMatch(/^[SLIP]\d/)
  })

  test('answers a message that it keeps only in memory', async () => {
    const engine = planted(() => (step, command) => (command === 'send-message' ? { ...step, saves: [], sends: [] } : step))
    expect((await findings(engine))[0]).toMatch(/^[SLIP]\d/)
  })

  test('uses a number of its chain twice, because it forgets its heads over a restart', async () => {
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !save.partition.startsWith('heads/')) }))
    expect((await findings(engine))[0]).toMatch(/^[SLIP]\d/)
  })

  test('loses every tenth op on its way to the disk', async () => {
    let n = 0
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !isOp(save) || ++n % 10 !== 0) }))
    expect((await findings(engine))[0]).toMatch(/^[SLIP]\d/)
  })

  test('takes ops that nobody signed', async () => {
    const gullible = (suite: Ciphersuite, isForger: boolean): Ciphersuite => ({
      ...suite,
      verify: async () => true,
      // Bob's ops are signed with nothing.
      sign: async (key, message) => (isForger && fromUtf8(message.subarray(0, 6)) === 'tk1 op' ? new Uint8Array(64) : suite.sign(key, message)),
    })
    expect((await findings((device) => ({ suite: (suite) => gullible(suite, device === 'Bob') })))[0]).toMatch(/^S5/)
  })

  test('never posts to relays', async () => {
    const engine = planted(() => (step) => ({ ...step, sends: step.sends.filter((send) => send.type !== 'post') }))
    expect((await findings(engine))[0]).toMatch(/^[SLIP]\d/)
  })

  test('never asks a peer for what it lacks, nor reads relays again after its first look', async () => {
    const engine = planted(() => (step) => ({ ...step, sends: step.sends.filter((send) => send.type !== 'frame'), saves: step.saves.filter((save) => !save.partition.startsWith('parked/') && !save.partition.startsWith('unopened/')) }))
    expect((await findings(engine, 12))[0]).toMatch(/^[SLIP]\d/)
  })

  test('throws at a frame', async () => {
    const engine: Tamper = () => {
      let frames = 0
      return { before: (input) => { if (input.type === 'frame' && ++frames === 5) throw new Error('planted'); return input } }
    }
    expect((await findings(engine))[0]).toMatch(/^S4.*planted/)
  })

  test("takes its chance from somewhere else than its port: the traces differ", async () => {
    let elsewhere = 0
    const engine = planted(() => (step) => ({ ...step, wakes: step.wakes.map((wake) => ({ ...wake, at: wake.at + (++elsewhere % 7) })) }))
    const plan = { seed: 1, steps: 20, peers: 3, tamper: engine }
    expect((await simulate(plan)).hash).not.toBe((await simulate(plan)).hash)
  })

  test('works: none of the above is found in the real one', async () => {
    expect(await findings(() => undefined)).toEqual([])
  })
})
