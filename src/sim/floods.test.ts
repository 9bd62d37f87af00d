/** Who says much at once, as if it had been said long ago. */
import { expect, test } from 'vitest'
import type { Replica } from '../engine/replica.ts'
import { LIES, Liar } from './liars.ts'
import { neighbours, ONE } from './neighbours.test-support.ts'
import type { SimNode } from './node.ts'

const DAY_MS = 24 * 3600_000

/** Mallory, who came three weeks ago, floods Alice with what is dated over all these days; what is wrong then. */
async function flood(change: (replica: Replica) => void): Promise<string | undefined> {
  const { world, nodes, ask, checks } = await neighbours(['Alice', 'Mallory'], ['Mallory'])
  const [alice, mallory] = nodes as [SimNode, SimNode]
  const { space } = await ask(alice, { type: 'create-space', name: 'Garden', relays: [ONE] })
  const { link } = await ask(alice, { type: 'create-invite', space })
  await ask(mallory, { type: 'join', link })
  for (const node of nodes) await node.stop()
  await world.runFor(21 * DAY_MS)
  for (const node of nodes) await node.start()
  await world.runFor(10_000)
  const { engine } = mallory, [theirs, hers] = nodes.toReversed().map((node) => node.engine?.replicas.get(space))
  if (engine === undefined || theirs === undefined || hers === undefined) throw new Error('They are not there')
  change(hers)
  const chance = Object.assign(Object.create(world.chance), { percent: () => true }) as typeof world.chance
  await LIES['floods']?.(new Liar(mallory, engine, theirs, chance, world.now))
  await world.runFor(10_000)
  expect(hers.log.vector().filter(({ device }) => device === theirs.me.device).reduce((sum, { chanSeq }) => sum + chanSeq, 0)).toBeGreaterThan(200)
  return checks.violation?.message
}

test('a flood that is dated back over weeks is taken in as far as a day goes (S31)', async () => {
  expect(await flood(() => {})).toBeUndefined()
})

test('the simulator finds a device that has no bound for what is dated back (S7)', async () => {
  expect(await flood(({ quota }) => {
    const days = quota.daysOf.bind(quota)
    quota.daysOf = (header) => days(header).slice(0, 1)
  })).toMatch(/^S7: Alice takes in \d+ bytes of what [0-9a-f]{8} dates back$/)
})
