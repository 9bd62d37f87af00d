/** A disk with a space on it is opened again. */
import { expect, test } from 'vitest'
import { createEd25519 } from '../adapters/suite-ed25519.ts'
import { createX25519 } from '../adapters/suite-x25519.ts'
import { Allotment } from './allotment.test-support.ts'
import { Room } from './engines.test-support.ts'

test('A23 signatures inside ops are checked when they come in, and not at each start; a disk of before, which does not say what became of them, once more', async () => {
  let checked = 0
  const ed25519 = await createEd25519('webcrypto'), x25519 = await createX25519('webcrypto')
  const h = await Allotment.begin(new Room({ x25519, ed25519: { ...ed25519, verify: (...given) => { checked++; return ed25519.verify(...given) } } }))
  for (const name of ['Bob', 'Carol', 'Dave']) await h.joins(name)
  const { alice, room, space } = h, before = alice.space(space).authority.stateHash()
  const opened = async (): Promise<number> => {
    await alice.restart()
    checked = 0
    for (let n = 0; !alice.engine.replicas.has(space); n++) { if (n > 100) throw new Error('not open'); await room.pass(1) }
    expect(alice.space(space).authority.stateHash()).toBe(before)
    return checked
  }
  room.people.splice(1)
  expect(await opened()).toBe(0)
  await alice.disk.save([{ type: 'drop', partition: `proofs/${space}` }])
  expect(await opened()).toBe(1 + 3 * 2)
  await room.pass(1000)
  expect(await opened()).toBe(0)
})

test('the relay keys that commits carry are opened when they come, and not at each start; a disk of before, which does not have them, once more', async () => {
  const h = await Allotment.begin()
  for (const name of ['Bob', 'Carol', 'Dave']) await h.joins(name)
  const { alice, room, space } = h, before = new Map(alice.space(space).groups.keys.relayKeys)
  expect(before.size).toBeGreaterThan(2)
  const opened = async (): Promise<number> => {
    await alice.restart()
    const suite = alice.engine.world.suite as { open: typeof alice.engine.world.suite.open }, { open } = suite
    let seals = 0
    suite.open = (...given) => { seals++; return open(...given) }
    for (let n = 0; !alice.engine.replicas.has(space); n++) { if (n > 100) throw new Error('not open'); await room.pass(1) }
    expect(new Map(alice.space(space).groups.keys.relayKeys)).toEqual(before)
    return seals
  }
  room.people.splice(1)
  const usual = await opened()
  await alice.disk.save([{ type: 'drop', partition: `relay-keys/${space}` }])
  // The first began with its epoch.
  expect(await opened()).toBe(usual + before.size - 1)
  await room.pass(1000)
  expect(await opened()).toBe(usual)
})

test('an opening saves nothing but what is new: what time it is, once an hour', async () => {
  const h = await Allotment.begin()
  await h.joins('Bob')
  const { alice, room, space } = h
  await room.ask(alice, { type: 'set-retention', space, afterMs: 24 * 3600_000 })
  room.people.splice(1)
  const saved = async (): Promise<string[]> => {
    const { disk } = alice, save = disk.save.bind(disk), names: string[] = []
    await alice.restart()
    disk.save = async (saves) => { names.push(...saves.map((one) => one.partition)); await save(saves) }
    for (let n = 0; !alice.engine.replicas.has(space); n++) { if (n > 100) throw new Error('not open'); await room.pass(1) }
    await room.pass(1)
    disk.save = save
    return names
  }
  await room.sleep(2 * 3600_000)
  expect(await saved()).toEqual([])
  room.now += 3600_000
  expect(await saved()).toEqual([`retention/${space}`, `retention/${space}`])
})
