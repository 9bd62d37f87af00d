/** Which states are kept. A canonical path of a hundred epochs, a day apart or an hour, and branches beside it. */
import { expect, test } from 'vitest'
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import { BUNDLED_STATE_KEPT_MS, KEPT_EPOCH_STATES, MAX_SIDE_STATES, STATE_KEPT_MS } from '../limits.ts'
import { beyondHorizon } from './horizon.ts'
import { EpochTree } from './tree.ts'

const HOUR = 3600_000, DAY = 24 * HOUR
const alice = 'aa'.repeat(32) as DeviceId
const epoch = (name: string): EpochId => Buffer.from(name.padEnd(32, '.')).toString('hex') as EpochId

/** Epochs 0 to `length`, `apart` ms apart; Alice has spoken in the last, so that no branch beside them wins. */
function path(length: number, apart: number): EpochTree {
  const tree = new EpochTree({ stands: () => true, power: () => 0, identityOf: (d) => d as string as IdentityId, isCut: () => false, version: () => 0 })
  tree.addRoot(epoch('0'), alice, 0)
  for (let i = 1; i <= length; i++) beside(tree, `${i}`, `${i - 1}`, i * apart)
  tree.vote(epoch(`${length}`), alice, 1, 'ff'.repeat(32) as OpId)
  return tree
}

function beside(tree: EpochTree, name: string, parent: string, at: number): void {
  const above = tree.nodes.get(epoch(parent))
  tree.add({ id: epoch(name), parent: epoch(parent), depth: (above?.depth ?? 0) + 1, author: alice, removes: false, at, leaves: [alice], children: [] })
}

const kept = (tree: EpochTree, now: number, held: readonly EpochId[] = [...tree.nodes.keys()], bundledAt = new Map<EpochId, number>()): Set<EpochId> => {
  const dropped = new Set(beyondHorizon(tree, held, bundledAt, now))
  return new Set(held.filter((e) => !dropped.has(e)))
}

test('G14 the newest epochs stay, so many and no more', () => {
  const left = kept(path(100, HOUR), 100 * HOUR)
  expect(left.size).toBe(KEPT_EPOCH_STATES + 1)
  expect(left.has(epoch('100'))).toBe(true)
  expect(left.has(epoch('67'))).toBe(false)
})

test('G14 an epoch that was followed two weeks ago goes, the newest never', () => {
  const tree = path(20, DAY)
  expect(kept(tree, 20 * DAY).has(epoch('5'))).toBe(true)
  expect(kept(tree, 20 * DAY).has(epoch('4'))).toBe(false)
  expect(kept(tree, 1000 * DAY)).toEqual(new Set([epoch('20')]))
})

test('G14 an epoch that is followed by one with a date of long ago stays as if that were dated right', () => {
  const tree = path(20, DAY)
  beside(tree, 'backdated', '20', 0)
  expect(kept(tree, 21 * DAY).has(epoch('20'))).toBe(true)
})

test('G14 who holds no newer state keeps the newest it has, however far the others went', () => {
  expect(kept(path(100, DAY), 1000 * DAY, ['3', '4', '5'].map(epoch))).toEqual(new Set([epoch('5')]))
})

test('G14 a losing branch stays while late commits may come to it: until a day after its secrets were told, two weeks, or as many epochs', () => {
  const tree = path(40, HOUR)
  beside(tree, 'lost', '38', 39 * HOUR)
  beside(tree, 'long lost', '2', 3 * HOUR)
  const told = new Map([[epoch('lost'), 40 * HOUR]])
  expect(kept(tree, 41 * HOUR).has(epoch('lost'))).toBe(true)
  expect(kept(tree, 41 * HOUR).has(epoch('long lost'))).toBe(false)
  expect(kept(tree, 40 * HOUR + BUNDLED_STATE_KEPT_MS, undefined, told).has(epoch('lost'))).toBe(true)
  expect(kept(tree, 41 * HOUR + BUNDLED_STATE_KEPT_MS, undefined, told).has(epoch('lost'))).toBe(false)
  expect(kept(tree, 39 * HOUR + STATE_KEPT_MS + 1).has(epoch('lost'))).toBe(false)
})

test('G14 no number of branches makes a device keep more than so many, and the path is not pushed out by them', () => {
  const tree = path(40, HOUR)
  for (let i = 0; i < 500; i++) beside(tree, `side ${i}`, '39', 40 * HOUR + i)
  const left = kept(tree, 41 * HOUR)
  expect(left.size).toBe(KEPT_EPOCH_STATES + 1 + MAX_SIDE_STATES)
  expect(left.has(epoch('40'))).toBe(true)
  expect(left.has(epoch('side 499'))).toBe(true)
  // Whoever restarts has them in another order, and keeps the same.
  expect(kept(tree, 41 * HOUR, [...tree.nodes.keys()].sort())).toEqual(left)
})
