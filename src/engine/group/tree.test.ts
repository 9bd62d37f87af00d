/** The one function that chooses between branches. Epochs are single letters padded to ids; votes are (identity, number, op). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChannelId, DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { type EpochNode, EpochTree } from './tree.ts'
import { readVote, voteRow } from './votes.ts'

const epoch = (name: string): EpochId => name.padEnd(64, '0') as EpochId
/** One device each; a second one of Carol's is hers by its last letter. */
const alice = 'a1'.padEnd(64, '0') as DeviceId, bob = 'b0'.padEnd(64, '0') as DeviceId, carol = 'c0'.padEnd(64, '0') as DeviceId, mallory = 'ff'.padEnd(64, '0') as DeviceId
const carolsPhone = carol.slice(0, 63) + '1' as DeviceId
const all = [alice, bob, carol]
const device = 'dd'.padEnd(64, '0') as DeviceId

interface Sketch extends EpochNode { readonly power: number }

function node(name: string, parent: string, depth: number, more: Partial<Sketch> = {}): Sketch {
  return { id: epoch(name), parent: epoch(parent), depth, author: device, power: 50, removes: false, at: 0, leaves: all, children: [], ...more }
}

function tree(...nodes: readonly Sketch[]): EpochTree {
  const powers = new Map(nodes.map((n) => [n.id, n.power]))
  const out = new EpochTree({
    stands: (e) => !voided.has(e), power: (e) => powers.get(e) ?? 0, identityOf: (d) => `${d.slice(0, 63)}0` as string as IdentityId,
    isCut: ({ device, seq, channel }) => seq > (cuts.get(device) ?? Infinity) || late.has(device + (channel ?? '')), version: () => voided.size * 100 + cuts.size * 10 + late.size,
  })
  out.addRoot(epoch('0'), device)
  for (const n of nodes) out.add({ ...n, children: [] })
  return out
}
const voided = new Set<EpochId>()
/** The last op that counts, of devices whose owner was removed. */
const cuts = new Map<DeviceId, number>()
/** Chains of which all was taken back. */
const late = new Set<string>()
const tip = (t: EpochTree): string | undefined => t.path().at(-1)
const op = (n: number): OpId => n.toString(16).padStart(64, '0') as OpId

test('G1 without a fork the tip is the last commit', () => {
  expect(tip(tree(node('1', '0', 1), node('2', '1', 2)))).toBe(epoch('2'))
})

test('G2 of two children the one that more members with a leaf in the parent wrote under wins, whatever was there first', () => {
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '1', 2))
  t.vote(epoch('3'), alice, 5, op(1))
  t.vote(epoch('2'), bob, 5, op(2))
  t.vote(epoch('2'), carol, 9, op(3))
  expect(tip(t)).toBe(epoch('2'))
})

test('G2 an identity votes once, with its first op below the parent', () => {
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '1', 2))
  t.vote(epoch('3'), alice, 5, op(1))
  t.vote(epoch('2'), alice, 6, op(2))
  expect(tip(t)).toBe(epoch('3'))
})

test('G2 support below a child counts for the child', () => {
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '1', 2), node('4', '3', 3))
  t.vote(epoch('4'), alice, 5, op(1))
  expect(t.path()).toEqual(['0', '1', '3', '4'].map(epoch))
})

test('G3 a back-dated sibling with a long private chain wins nothing by length or number', () => {
  const chain = [node('e', '1', 2, { leaves: [mallory] }), ...['f1', 'f2', 'f3'].map((n, i, list) => node(n, list[i - 1] ?? 'e', 3 + i, { leaves: [mallory] }))]
  const t = tree(node('1', '0', 1), node('2', '1', 2), ...chain)
  t.vote(epoch('2'), alice, 10, op(1))
  t.vote(epoch('2'), bob, 10, op(2))
  for (const e of ['e', 'f1', 'f2', 'f3']) t.vote(epoch(e), mallory, 1, op(0))
  expect(tip(t)).toBe(epoch('2'))
})

test('G4 with equal support the mightier author, then a removal, then the smaller id wins', () => {
  expect(tip(tree(node('2', '0', 1), node('1', '0', 1, { power: 60 })))).toBe(epoch('1'))
  expect(tip(tree(node('1', '0', 1), node('2', '0', 1, { removes: true })))).toBe(epoch('2'))
  expect(tip(tree(node('2', '0', 1), node('1', '0', 1)))).toBe(epoch('1'))
})

test('G5 a void commit and what hangs below it do not count', () => {
  voided.add(epoch('2'))
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '2', 3), node('4', '1', 2))
  t.vote(epoch('3'), alice, 1, op(1))
  t.vote(epoch('3'), bob, 1, op(2))
  expect(tip(t)).toBe(epoch('4'))
  voided.clear()
  expect(tip(t)).toBe(epoch('3'))
})

test('G10 an identity has one vote, with however many devices, and none with what a removal took back', () => {
  const t = tree(node('1', '0', 1, { leaves: [...all, carolsPhone] }), node('2', '1', 2), node('3', '1', 2))
  t.vote(epoch('3'), carol, 5, op(1))
  t.vote(epoch('3'), carolsPhone, 5, op(2))
  t.vote(epoch('2'), alice, 5, op(3))
  expect(tip(t)).toBe(epoch('2'))
  t.vote(epoch('3'), bob, 8, op(4))
  expect(tip(t)).toBe(epoch('3'))
  cuts.set(bob, 7)
  expect(tip(t)).toBe(epoch('2'))
  cuts.clear()
})

test('G10 what was taken back in one channel hides no vote in another', () => {
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '1', 2))
  const garden = 'aa'.padEnd(32, '0') as ChannelId, attic = 'bb'.padEnd(32, '0') as ChannelId
  t.vote(epoch('3'), bob, 5, op(1), garden, 1)
  t.vote(epoch('3'), carol, 5, op(2), garden, 1)
  t.vote(epoch('2'), alice, 5, op(3), garden, 1)
  expect(tip(t)).toBe(epoch('3'))
  for (const [e, n] of [['2', 2], ['3', 3]] as const) t.vote(epoch(e), bob, n, op(n + 2), attic, n)
  expect(tip(t)).toBe(epoch('2'))
  late.add(bob + attic)
  expect(tip(t)).toBe(epoch('3'))
  late.clear()
})

test('G10 votes are kept with their places, and those of earlier versions read without', () => {
  const garden = 'aa'.padEnd(32, '0') as ChannelId
  const { key, value } = voteRow(epoch('3'), { id: op(1), header: { device: bob, channel: garden, seq: 700, chanSeq: 40 } } as Op)
  expect(readVote({ key, value })).toEqual([epoch('3'), bob, 700, op(1), garden, 40])
  expect(readVote({ key: key.subarray(0, 64), value: value.subarray(0, 40) })).toEqual([epoch('3'), bob, 700, op(1)])
  for (const short of [key.subarray(0, 63), value.subarray(0, 32)]) expect(readVote({ key: short, value })).toBeUndefined()
})

test('G10 a device that came later, whose numbers are low, takes no vote back', () => {
  const t = tree(node('1', '0', 1), node('2', '1', 2), node('3', '1', 2))
  t.vote(epoch('2'), carol, 40, op(1))
  t.vote(epoch('2'), bob, 50, op(2))
  t.vote(epoch('3'), alice, 5, op(3))
  t.vote(epoch('3'), carolsPhone, 1, op(4))
  t.vote(epoch('3'), bob.slice(0, 63) + '1' as DeviceId, 1, op(5))
  expect(tip(t)).toBe(epoch('2'))
})

test('G6 the same epochs and votes in any order give the same path', () => {
  const shape = fc.array(fc.tuple(fc.nat(30), fc.nat(99), fc.boolean()), { minLength: 1, maxLength: 24 })
  const votes = fc.array(fc.tuple(fc.nat(23), fc.constantFrom(alice, bob, carol, carolsPhone), fc.nat(20), fc.nat(1000)), { maxLength: 40 })
  fc.assert(fc.property(shape, votes, fc.infiniteStream(fc.nat()), (nodes, cast, chance) => {
    const made: Sketch[] = []
    nodes.forEach(([parentAt, power, removes], i) => {
      const parent = i === 0 ? undefined : made[parentAt % i]
      made.push(node(`1${i.toString(16).padStart(4, '0')}`, '0', (parent?.depth ?? 0) + 1, { parent: parent?.id ?? epoch('0'), power, removes }))
    })
    const build = (order: readonly (readonly [number, DeviceId, number, number])[]): EpochTree => {
      const t = tree(...made)
      for (const [at, voter, seq, id] of order) { const target = made[at]; if (target !== undefined) t.vote(target.id, voter, seq, op(id)) }
      return t
    }
    const shuffled = cast.map((v) => ({ v, key: chance.next().value })).sort((a, b) => a.key - b.key).map(({ v }) => v)
    expect(build([...shuffled, ...cast]).path()).toEqual(build(cast).path())
  }))
})
