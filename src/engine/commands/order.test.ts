/** The order of channels and categories, told with Alice and Bob, who both may change it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChannelId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'

async function home(): Promise<{ a: Allotment; bob: Person }> {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  await a.role('Keepers', 50, ['channels'], bob)
  await a.room.pass(1000)
  return { a, bob }
}

const make = async (a: Allotment, name: string, more: { kind?: 'forum' | 'category'; category?: ChannelId } = {}): Promise<ChannelId> => (await a.does(a.alice, { type: 'create-channel', name, ...more })).channel

/** As a side bar shows it: "Outside: garden, pond". */
async function shown(a: Allotment, person: Person): Promise<string[]> {
  const { channels, categories } = await a.does(person, { type: 'list-channels' })
  const lines = [undefined, ...categories].map((c) => [c?.name ?? '', channels.filter((ch) => ch.category === c?.category).map((ch) => ch.name).join(', ')])
  expect(channels.map((c) => c.name)).toEqual(lines.flatMap(([, names]) => (names === '' ? [] : names?.split(', '))))
  return lines.map(([name, names]) => `${name}: ${names}`)
}

test('channels stand in categories, and are moved within them and between them', async () => {
  const { a, bob } = await home()
  const outside = await make(a, 'Outside', { kind: 'category' }), inside = await make(a, 'Inside', { kind: 'category' })
  const garden = await make(a, 'garden', { category: outside }), pond = await make(a, 'pond', { category: outside }), shed = await make(a, 'shed', { category: inside })
  await a.room.pass(1000)
  expect(await shown(a, bob)).toEqual([': general', 'Outside: garden, pond', 'Inside: shed'])
  await a.does(bob, { type: 'move-channel', channel: pond, category: outside })
  await a.does(bob, { type: 'move-channel', channel: garden, category: inside, after: shed })
  await a.does(bob, { type: 'move-channel', channel: inside })
  await a.room.pass(1000)
  for (const person of [a.alice, bob]) expect(await shown(a, person)).toEqual([': general', 'Inside: shed, garden', 'Outside: pond'])
  await a.does(a.alice, { type: 'delete-channel', channel: inside })
  await a.does(a.alice, { type: 'rename-channel', channel: outside, name: 'Out there' })
  await a.room.pass(1000)
  const [loose, ...categories] = await shown(a, bob)
  expect(loose?.slice(2).split(', ').sort()).toEqual(['garden', 'general', 'shed'])
  expect(categories).toEqual(['Out there: pond'])
})

test('what is no place is refused', async () => {
  const { a } = await home()
  const category = await make(a, 'Outside', { kind: 'category' }), pond = await make(a, 'pond', { category }), other = await make(a, 'Inside', { kind: 'category' })
  const refused = async (command: Parameters<Allotment['refusal']>[1]) => (await a.refusal(a.alice, command))?.code
  expect(await refused({ type: 'move-channel', channel: a.channel, after: pond })).toBe('unknown-channel')
  expect(await refused({ type: 'move-channel', channel: a.channel, category: pond })).toBe('unknown-channel')
  expect(await refused({ type: 'move-channel', channel: category, category: other })).toBe('bad-request')
  expect(await refused({ type: 'create-channel', name: 'x', kind: 'category', category })).toBe('bad-request')
  expect(await refused({ type: 'create-channel', name: 'x', category: pond })).toBe('unknown-channel')
  expect(await refused({ type: 'send-message', channel: category, text: 'x' })).toBe('unknown-channel')
})

test('A31 two people who move different channels without knowing of each other both get what they want', async () => {
  const { a, bob } = await home()
  const [b, c, d] = [await make(a, 'b'), await make(a, 'c'), await make(a, 'd')]
  await a.room.pass(1000)
  await a.apart([a.alice, bob], async () => {
    await a.does(a.alice, { type: 'move-channel', channel: d })
    await a.does(bob, { type: 'move-channel', channel: b, after: c })
  })
  for (const person of [a.alice, bob]) expect(await shown(a, person)).toEqual([': d, general, c, b'])
})

test('A31 any moves lead where they say, and two sides that met show one order', async () => {
  const { a, bob } = await home()
  const ids = [a.channel]
  for (const name of ['b', 'c', 'd', 'e']) ids.push(await make(a, name))
  await a.room.pass(1000)
  const order = async (person: Person) => (await a.does(person, { type: 'list-channels' })).channels.map((ch) => ch.channel)
  const moves = fc.array(fc.tuple(fc.nat(4), fc.nat(5)), { minLength: 1, maxLength: 6 })
  const move = async (person: Person, [which, at]: readonly [number, number]): Promise<void> => {
    const channel = ids[which] as ChannelId, expected = (await order(person)).filter((id) => id !== channel)
    const after = expected[at - 1]
    await a.does(person, { type: 'move-channel', channel, ...(after === undefined ? {} : { after }) })
    expected.splice(after === undefined ? 0 : at, 0, channel)
    expect(await order(person)).toEqual(expected)
  }
  await fc.assert(fc.asyncProperty(moves, moves, async (alices, bobs) => {
    await a.apart([a.alice, bob], async () => {
      for (const m of alices) await move(a.alice, m)
      for (const m of bobs) await move(bob, m)
    })
    expect(await order(bob)).toEqual(await order(a.alice))
  }), { numRuns: 8 })
})
