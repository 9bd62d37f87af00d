import { beforeAll, expect, test } from 'vitest'
import { toHex } from '../../wire/bytes.ts'
import type { EpochId } from '../../wire/ids.ts'
import { commit, createGroup, createKeyPackage, encodeState, epochAuthenticator, mlsEpoch, type MlsState } from './mls.ts'
import { GROUP, must, NOTHING, type People, people, YEAR } from './mls-people.ts'
import { States } from './states.ts'

const EPOCHS = 12
const epoch = (n: number): EpochId => n.toString(16).padStart(2, '0').repeat(32) as EpochId
let world: People
/** Alice's, of epochs that follow each other: from the third on each adds somebody. */
let made: MlsState[]
const sha256 = (bytes: Uint8Array): Uint8Array => world.suite.sha256(bytes)

beforeAll(async () => {
  world = await people(1)
  made = [await createGroup(world.ctx, await world.person(), GROUP)]
  while (made.length < EPOCHS) {
    const add = await Promise.all(Array.from({ length: made.length === 1 ? 30 : 1 }, async () => (await createKeyPackage(world.ctx, await world.person(), YEAR)).public))
    made.push(must(await commit(world.ctx, made.at(-1) as MlsState, { ...NOTHING, add })).state)
  }
})

/** What lies on Alice's disk. `reopened`: as her app finds it at the next start. */
function disk(): { states: States; rows: Map<EpochId, Uint8Array>; save(tip: number | undefined): void; drop(...epochs: number[]): void; reopened(): States } {
  const states = new States(sha256), rows = new Map<EpochId, Uint8Array>()
  return {
    states, rows,
    save(tip) { for (const [id, row] of states.rows(tip === undefined ? undefined : epoch(tip))) rows.set(id, row) },
    drop(...epochs) { states.delete(epochs.map(epoch)); for (const n of epochs) rows.delete(epoch(n)) },
    reopened() { const again = new States(sha256); for (const [id, row] of rows) again.restore(id, row); return again },
  }
}

const whole = (rows: ReadonlyMap<EpochId, Uint8Array>): EpochId[] => [...rows].flatMap(([id, row]) => (row[0] === 1 ? [id] : []))
const shown = (state: MlsState | undefined): string | undefined => state && toHex(encodeState(state))

function expectAll(states: States, ...epochs: number[]): void {
  expect([...states.keys()].sort()).toEqual(epochs.map(epoch))
  for (const n of epochs) expect(shown(states.get(epoch(n)))).toBe(shown(made[n]))
}

test('a state from the disk is what it was, and a row that is none is as if Alice had never been in that epoch', () => {
  const states = new States(sha256), [good, cut] = [epoch(1), epoch(2)] as const, [first] = made as [MlsState]
  states.restore(good, encodeState(first))
  states.restore(cut, encodeState(first).subarray(1))
  expect([...states.keys()]).toEqual([good, cut])
  const found = states.get(good)
  expect(found && epochAuthenticator(found)).toEqual(epochAuthenticator(first))
  expect(states.get(good)).toBe(found)
  expect(states.has(cut)).toBe(true)
  expect(states.get(cut)).toBeUndefined()
  expect(states.has(cut)).toBe(false)
  states.delete([good])
  expect(states.size).toBe(0)
})

test('only the row of the tip is a whole state: the others are small, are found again after a restart, and go on where they were', async () => {
  const { states, rows, save, reopened } = disk()
  for (const [n, state] of made.entries()) { states.set(epoch(n), state); save(n) }
  expect(whole(rows)).toEqual([epoch(EPOCHS - 1)])
  const tip = rows.get(epoch(EPOCHS - 1))?.length ?? 0
  for (let n = 2; n < EPOCHS - 1; n++) expect(rows.get(epoch(n))?.length).toBeLessThan(tip / 4)
  expectAll(reopened(), ...made.keys())
  const again = reopened()
  expect(mlsEpoch(must(await commit(world.ctx, again.get(epoch(5)) as MlsState, NOTHING)).state)).toBe(6)
  expect(again.rows(epoch(EPOCHS - 1))).toEqual([])
})

test('whichever goes, the others stay what they are, and nothing of it is left in their rows', () => {
  for (const gone of [[0], [5], [EPOCHS - 1], [4, 5, 6], [0, 1, 2, 3], [3, 7, 9], [6, EPOCHS - 1]]) {
    const { states, rows, save, drop, reopened } = disk()
    for (const [n, state] of made.entries()) { states.set(epoch(n), state); save(n) }
    drop(...gone)
    const left = [...made.keys()].filter((n) => !gone.includes(n)), tip = Math.max(...left)
    save(tip)
    expect(whole(rows)).toEqual([epoch(tip)])
    expectAll(reopened(), ...left)
    for (const n of gone) {
      const secret = made[n]?.keySchedule.exporterSecret as Uint8Array
      for (const row of rows.values()) expect(toHex(row).includes(toHex(secret))).toBe(false)
    }
  }
})

test('when another branch wins, its state is the whole one; where the tip is not here, nothing hangs off it', () => {
  const { states, rows, save, drop, reopened } = disk()
  for (const n of [0, 1, 2, 3]) { states.set(epoch(n), made[n] as MlsState); save(n) }
  save(2)
  expect(whole(rows)).toEqual([epoch(2)])
  expectAll(reopened(), 0, 1, 2, 3)
  states.set(epoch(4), made[4] as MlsState)
  save(undefined)
  expect(whole(rows)).toEqual([epoch(2), epoch(4)])
  drop(2)
  save(undefined)
  expectAll(reopened(), 0, 1, 3, 4)
})

test('of a disk from before a few become small with each save, and it can be read all the while; a base that is damaged takes what hangs off it along', () => {
  const { states, rows, save, reopened } = disk()
  for (const [n, state] of made.entries()) { rows.set(epoch(n), encodeState(state)); states.restore(epoch(n), encodeState(state)) }
  for (const left of [8, 4, 1, 1]) {
    save(EPOCHS - 1)
    expect(whole(rows).length).toBe(left)
    expectAll(reopened(), ...made.keys())
  }
  const damaged = reopened()
  damaged.restore(epoch(EPOCHS - 1), (rows.get(epoch(EPOCHS - 1)) as Uint8Array).subarray(0, 50))
  for (const n of made.keys()) expect(damaged.get(epoch(n))).toBeUndefined()
  expect(damaged.size).toBe(0)
  // In a circle.
  const circle = reopened()
  circle.restore(epoch(EPOCHS - 1), rows.get(epoch(3)) as Uint8Array)
  expect(circle.get(epoch(EPOCHS - 1))).toBeUndefined()
})
