/**
 * The laws of the kinds of state a space is made of, on ops of people who know of each other only in part: a register, a set, a list. Each is held against
 * what its law says of who had seen what, written down anew here; that order and repetition don't matter is P1.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuthorityBody } from '../../wire/authority.ts'
import type { OpId } from '../../wire/ids.ts'
import { PERMISSIONS } from '../../wire/permissions.ts'
import { inPlace, placeBetween } from './order.ts'
import type { SpaceState } from './state.ts'
import { channelNamed, type Device, roleNamed, shuffled, Village } from './village.test-support.ts'

const PEOPLE = ['alice', 'bob', 'carol'] as const
type Person = typeof PEOPLE[number]
/** Somebody acts, or hears of all that another has; `how` says what the act is. */
type Event = readonly [who: Person, to: Person, isAct: boolean, how: number]
interface Act { readonly id: OpId; readonly by: Person; readonly body: AuthorityBody; readonly seen: ReadonlySet<OpId> }

const events: fc.Arbitrary<readonly Event[]> = fc.array(fc.tuple(fc.constantFrom(...PEOPLE), fc.constantFrom(...PEOPLE), fc.boolean(), fc.nat(1000)), { maxLength: 24 })
const helper = roleNamed('helper')

/** Alice's space: Bob and Carol keep it with her, on equal terms; Dave is there. */
async function village(): Promise<Village> {
  const v = new Village(), [alice, bob, carol, dave] = [...PEOPLE, 'dave'].map((name) => v.device(name)) as [Device, Device, Device, Device]
  await v.say(alice, v.genesis(alice))
  await v.say(alice, { type: 'roleCreate', role: roleNamed('keeper'), name: 'keeper', power: 50, permissions: PERMISSIONS.channels | PERMISSIONS.space | PERMISSIONS.roles })
  await v.say(alice, { type: 'roleCreate', role: helper, name: 'helper', power: 10, permissions: 0 })
  await v.say(alice, v.invite('gate'))
  for (const one of [bob, carol, dave]) { await one.hear(alice); await v.say(one, v.join(one, 'gate')); await alice.hear(one) }
  for (const one of [bob, carol]) await v.say(alice, { type: 'roleAssign', role: roleNamed('keeper'), identity: one.identity })
  for (const channel of ['a', 'b', 'c', 'd']) await v.say(alice, { type: 'channelCreate', channel: channelNamed(channel), name: channel, kind: 'text', audience: 0 })
  await v.everyoneMeets()
  return v
}

/** Plays it, brings all together, and gives what everyone then sees, whatever the order; with the acts that were made. */
async function play(history: readonly Event[], actOf: (v: Village, by: Device, how: number) => AuthorityBody): Promise<{ v: Village; state: SpaceState; acts: readonly Act[] }> {
  const v = await village(), acts: Act[] = []
  for (const [who, to, isAct, how] of history) {
    const by = v.device(who)
    if (!isAct) { await v.device(to).hear(by); continue }
    const body = actOf(v, by, how)
    // As an app does: what would change nothing, or is refused, is not said.
    if (by.authority.refuse(by.identity, body) !== undefined) continue
    const seen = new Set(by.held.keys())
    acts.push({ id: (await v.say(by, body)).id, by: who, body, seen })
  }
  await v.everyoneMeets()
  const { authority, held } = v.device('dave')
  for (const name of PEOPLE) expect(v.device(name).authority.stateHash()).toBe(authority.stateHash())
  const late = v.device('erin')
  for (const op of shuffled([...held.values()], (n) => (history.length * 7) % n)) { await late.take(op); await late.take(op) }
  expect(late.authority.stateHash()).toBe(authority.stateHash())
  return { v, state: authority.state, acts }
}

const forAll = (check: (history: readonly Event[]) => Promise<void>) => fc.assert(fc.asyncProperty(events, check), { numRuns: 60 })

test('A21 a register holds a write that no other write has seen: the owner\'s before the keepers\', then that with the smaller id', () => forAll(async (history) => {
  const { state, acts } = await play(history, (_v, _by, how) => ({ type: 'spaceRename', name: `Home ${how % 5}` }))
  const last = acts.filter((act) => !acts.some((other) => other.seen.has(act.id)))
  last.sort((x, y) => Number(y.by === 'alice') - Number(x.by === 'alice') || (x.id < y.id ? -1 : 1))
  const [winner] = last
  expect(state.name).toBe(winner?.body.type === 'spaceRename' ? winner.body.name : 'Home')
}))

test('A22 a set holds what was put in by an act that had seen all that took it out: taking out wins over putting in at the same time', () => forAll(async (history) => {
  const { v, state, acts } = await play(history, (village_, by, how) => {
    const { identity } = village_.device('dave')
    return how % 2 === 0 ? { type: 'roleAssign', role: helper, identity } : { type: 'roleUnassign', role: helper, identity, cuts: village_.cuts(by, identity) }
  })
  const outs = acts.filter((act) => act.body.type === 'roleUnassign')
  const isIn = acts.some((act) => act.body.type === 'roleAssign' && outs.every((out) => act.seen.has(out.id)))
  expect(state.members.get(v.device('dave').identity)?.roles.includes(helper)).toBe(isIn)
}))

test('A10 a deleted channel is gone for all, whatever else was done with it at the same time', () => forAll(async (history) => {
  const { state, acts } = await play(history, (_v, _by, how) => {
    const channel = channelNamed('abcd'[how % 4] as string)
    return how % 3 === 0 ? { type: 'channelDelete', channel } : { type: 'channelRename', channel, name: `c${how}` }
  })
  const gone = new Set(acts.flatMap(({ body }) => (body.type === 'channelDelete' ? [body.channel] : [])))
  expect(['a', 'b', 'c', 'd'].filter((name) => state.channels.has(channelNamed(name)))).toEqual(['a', 'b', 'c', 'd'].filter((name) => !gone.has(channelNamed(name))))
}))

test('A31 a list: who moves something last, and alone, has it where they put it, next to its neighbours that nobody moved', () => forAll(async (history) => {
  const order = (state: SpaceState): string[] => inPlace(state.channels, (c) => c.place).map(([id]) => id)
  const { state, acts, v } = await play(history, (_v, by, how) => {
    const { state: now } = by.authority, channel = channelNamed('abcd'[how % 4] as string)
    const others = order(now).filter((id) => id !== channel), at = how % 5
    const placeOf = (id: string | undefined): string => [...now.channels].find(([other]) => other === id)?.[1].place ?? ''
    return { type: 'channelPlace', channel, category: undefined, place: placeBetween(placeOf(others[at - 1]), placeOf(others[at])) ?? 'ff80' }
  })
  for (const name of PEOPLE) expect(order(v.device(name).authority.state)).toEqual(order(state))
  // Each place is a register of its own.
  for (const channel of ['a', 'b', 'c', 'd'].map(channelNamed)) {
    const moves = acts.filter(({ body }) => body.type === 'channelPlace' && body.channel === channel)
    const last = moves.filter((move) => !moves.some((other) => other.seen.has(move.id)))
    if (last.length === 1) expect(state.channels.get(channel)?.place).toBe(last[0]?.body.type === 'channelPlace' ? last[0].body.place : undefined)
  }
}))
