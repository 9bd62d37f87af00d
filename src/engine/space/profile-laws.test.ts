/** The law of what a person says of themself: three registers that their devices write without asking each other, and nobody else does. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COLOURS } from '../../wire/authority.ts'
import type { BodyOf } from '../../wire/authority.ts'
import type { OpId } from '../../wire/ids.ts'
import { type Device, shuffled, Village } from './village.test-support.ts'

const DEVICES = ['bob', 'bob+phone', 'bob+tablet'] as const
type Name = typeof DEVICES[number]
interface Said { readonly id: OpId; readonly body: BodyOf<'about'>; readonly seen: ReadonlySet<OpId> }

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const words = fc.constantFrom('', 'Bees', 'Beans', 'x'.repeat(190))
const about: fc.Arbitrary<BodyOf<'about'>> = fc.record({ type: fc.constant('about' as const), text: some(words), emoji: some(fc.constantFrom('', '🐝', '🌱')), colour: some(fc.nat(COLOURS)) })
/** A device says something, or hears of all that another has. */
const history = fc.array(fc.oneof(fc.tuple(fc.constantFrom(...DEVICES), about), fc.tuple(fc.constantFrom(...DEVICES), fc.constantFrom(...DEVICES))), { maxLength: 16 })

async function village(): Promise<Village> {
  const v = new Village(), alice = v.device('alice')
  await v.say(alice, v.genesis(alice))
  await v.say(alice, v.invite('gate'))
  for (const name of DEVICES) {
    const device: Device = v.device(name)
    await device.hear(alice)
    await v.say(device, v.join(device, 'gate'))
    await alice.hear(device)
  }
  await v.everyoneMeets()
  return v
}

/** What no other write of the same part has seen; of several that with the smaller id. */
function lastOf<K extends 'text' | 'emoji' | 'colour'>(said: readonly Said[], part: K): BodyOf<'about'>[K] {
  const writes = said.filter(({ body }) => body[part] !== undefined)
  const last = writes.filter((one) => !writes.some((other) => other.seen.has(one.id))).sort((a, b) => (a.id < b.id ? -1 : 1))
  return last[0]?.body[part]
}

test('A21 each part of a profile holds a write that no other has seen, whatever was written of the other parts, in any order of arrival', () => fc.assert(fc.asyncProperty(history, fc.nat(), async (events, seed) => {
  const v = await village(), said: Said[] = []
  for (const [name, what] of events) {
    const by = v.device(name as Name)
    if (typeof what === 'string') { await by.hear(v.device(what)); continue }
    const seen = new Set(by.held.keys())
    said.push({ id: (await v.say(by, what)).id, body: what, seen })
  }
  await v.everyoneMeets()
  const expected = { text: lastOf(said, 'text'), emoji: lastOf(said, 'emoji'), colour: lastOf(said, 'colour') }
  const { held, identity } = v.device('bob')
  for (const name of [...DEVICES, 'alice']) expect(v.device(name).authority.state.members.get(identity)?.about).toEqual(expected)
  const late = v.device('erin')
  for (const op of shuffled([...held.values()], (n) => seed % n)) { await late.take(op); await late.take(op) }
  expect(late.authority.state.members.get(identity)?.about).toEqual(expected)
  expect(late.authority.stateHash()).toBe(v.device('alice').authority.stateHash())
}), { numRuns: 60 }))
