/** Planted bugs: engines that are wrong in one way. If the simulator doesn't see one of these, it would not see a real one. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../engine/engine.ts'
import type { Step } from '../engine/input.ts'
import type { Replica } from '../engine/replica.ts'
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

/** The real engine of one device, with the parts of each of its spaces changed as soon as it is there. */
function patched(patch: (replica: Replica) => void, whose: string): Tamper {
  return (device) => {
    if (device !== whose) return undefined
    const done = new Set<Replica>()
    const look = (engine: Engine): void => { for (const replica of engine.replicas.values()) if (!done.has(replica)) { done.add(replica); patch(replica) } }
    return { before: (input, engine) => { look(engine); return input }, after: (step, _input, engine) => { look(engine); return step } }
  }
}

/** What is found in a few seeds. */
async function findings(tamper: Tamper, seeds = 4, from = 1): Promise<string[]> {
  const found: string[] = []
  for (let seed = from; seed < from + seeds && found.length === 0; seed++) {
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

  test('forgets over a restart who has spoken for which branch', async () => {
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !save.partition.startsWith('votes/')) }))
    expect((await findings(engine))[0]).toMatch(/^I11: .*votes/)
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

  test('saves a commit without the state to go on from', async () => {
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => !save.partition.startsWith('states/')) }))
    expect((await findings(engine))[0]).toMatch(/^I10/)
  })

  test('stays an epoch behind where there is a fork', async () => {
    const engine = patched((replica) => {
      const { tree } = replica.groups
      const path = tree.path.bind(tree)
      tree.path = () => (path().some((epoch) => (tree.nodes.get(epoch)?.children.length ?? 0) > 1) ? path().slice(0, -1) : path())
    }, 'Bob')
    // Most runs as short as this have no fork in which it matters.
    expect((await findings(engine, 12, 28))[0]).toMatch(/^(I|L)\d/)
  })

  test('keeps keys that are not what their commits promised', async () => {
    const engine = patched(({ groups: { keys } }) => {
      const add = keys.add.bind(keys)
      keys.add = (epoch, secret) => add(epoch, secret.map((byte, i) => (i === 0 ? byte ^ 1 : byte)))
    }, 'Bob')
    expect((await findings(engine))[0]).toMatch(/^(I|L|S)\d/)
  })

  test('does not hear of removals', async () => {
    const engine = patched(({ authority }) => {
      const add = authority.add.bind(authority)
      authority.add = async (op) => { if (op.header.type !== 'kick' && op.header.type !== 'ban') await add(op) }
    }, 'Bob')
    // Few of so short lives see a removal: it is sought where there is one, and from there on.
    expect((await findings(engine, 60, 30))[0]).toMatch(/^(S4|P1|I1|L)/)
  }, 180_000)

  test("shows messages under another's name", async () => {
    const engine = planted(() => (step) => ({ ...step, tells: step.tells.map((tell) => {
      if (tell.type !== 'update' || tell.update.type !== 'messages') return tell
      const { messages } = tell.update
      return { ...tell, update: { ...tell.update, messages: messages.map((message) => ({ ...message, author: messages[0]?.author === message.author ? ('0'.repeat(64) as typeof message.author) : message.author })) } }
    }) }))
    expect((await findings(engine))[0]).toMatch(/^S3/)
  })

  test('loses messages that it has shown', async () => {
    const engine = planted(() => (step) => ({ ...step, saves: step.saves.filter((save) => save.type !== 'put' || !save.partition.startsWith('messages/') || (save.key.at(-1) as number) % 4 !== 0) }))
    expect((await findings(engine))[0]).toMatch(/^[LS]\d/)
  })

  test("mutes somebody who did nothing", async () => {
    const engine = planted(() => (step) => ({ ...step, tells: step.tells.map((tell) => (tell.type === 'update' && tell.update.type === 'status'
      ? { ...tell, update: { ...tell.update, status: { ...tell.update.status, muted: [{ peer: 'peer-Carol-1', until: 0, fault: 'malformed' }] } } } : tell)) }))
    expect((await findings(engine))[0]).toMatch(/^S6/)
  })

  test("takes its chance from somewhere else than its port: the traces differ", async () => {
    let elsewhere = 0
    const engine = planted(() => (step) => ({ ...step, wakes: step.wakes.map((wake) => ({ ...wake, at: wake.at + (++elsewhere % 997) })) }))
    const plan = { seed: 1, steps: 20, peers: 3, tamper: engine }
    expect((await simulate(plan)).hash).not.toBe((await simulate(plan)).hash)
  })

  test('works: none of the above is found in the real one', async () => {
    expect(await findings(() => undefined)).toEqual([])
  })
})
