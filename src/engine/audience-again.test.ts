/** A private channel that doesn't count any more, since what it rests on fell, and then counts again. Bob opened it with Carol while Dave, who stands above Bob, was away. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody, type RoleId } from '../wire/authority.ts'
import { encodeGroupBody } from '../wire/group.ts'
import type { ChannelId, EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Audience } from './audience.ts'
import { keptOp } from './content/kept.ts'
import type { Person } from './engines.test-support.ts'
import { alone } from './group/home.test-support.ts'
import { MUTE_AT_POINTS } from './limits.ts'
import { opKey } from './log/log.ts'
import { opsPartition } from './replica.ts'
import { signRule, whisper } from './sync/mallory.test-support.ts'

interface Shed { readonly h: Allotment; readonly bob: Person; readonly carol: Person; readonly dave: Person; readonly keeper: RoleId; readonly warden: RoleId; readonly channel: ChannelId }

async function shed(...speakers: readonly ('Bob' | 'Carol')[]): Promise<Shed> {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  const keeper = await h.role('keeper', 50, ['channels'], bob), warden = await h.role('warden', 80, ['channels', 'roles'], dave)
  await h.room.pass(2000)
  h.room.goesOffline(dave)
  const { channel } = await h.does(bob, { type: 'create-channel', name: 'shed', readers: { members: [h.id(carol)] } })
  await h.room.pass(5000)
  const out = { h, bob, carol, dave, keeper, warden, channel }
  for (const person of [bob, carol].filter(({ name }) => (speakers as readonly string[]).includes(name))) { await say(out, person, `${person.name} was here`); await h.room.pass(5000) }
  return out
}

const say = ({ h, channel }: Shed, person: Person, text: string): Promise<unknown> => h.does(person, { type: 'send-message', channel, text })
const texts = async ({ h, channel }: Shed, person: Person): Promise<string[]> => (await h.does(person, { type: 'get-messages', channel })).messages.map((m) => m.text)
const isListed = async ({ h, channel }: Shed, person: Person): Promise<boolean> => (await h.does(person, { type: 'list-channels' })).channels.some((one) => one.channel === channel)

function audience({ h, channel }: Shed, person: Person): Audience {
  const found = person.space(h.space).audienceFor(channel)
  if (found === undefined) throw new Error('no such audience')
  return found
}

/** What its readers had of it before is all they need. */
async function goesOn(s: Shed, before: EpochId | undefined): Promise<void> {
  const readers = [s.bob, s.carol]
  for (const person of readers) {
    const { groups } = audience(s, person), tip = groups.tip()
    expect([person.name, tip, tip !== undefined && groups.states.has(tip) && groups.keys.has(tip)]).toEqual([person.name, before, true])
    await say(s, person, `${person.name} is back`)
    await s.h.room.pass(1000)
  }
  for (const person of readers) expect(await texts(s, person)).toEqual(['Bob was here', 'Carol was here', 'Bob is back', 'Carol is back'])
}

/** Dave takes Bob's role, and Alice Dave's, neither knowing of the other. */
async function demotesBoth({ h, bob, dave, keeper, warden }: Shed): Promise<void> {
  await h.does(dave, { type: 'take-role', member: h.id(bob), role: keeper })
  await h.does(h.alice, { type: 'take-role', member: h.id(dave), role: warden })
}

test.each([['', false], [' and they started again', true]])('U7 a private channel that a demotion made void%s goes on with the keys of its readers when a higher one makes that void', async (_, isRestarted) => {
  const s = await shed('Bob', 'Carol'), { h, bob, carol, dave } = s, tip = audience(s, bob).groups.tip()
  h.room.goesOffline(h.alice)
  await demotesBoth(s)
  await h.room.comesOnline(dave)
  await h.room.pass(2000)
  for (const person of [bob, carol]) expect(await isListed(s, person)).toBe(false)
  if (isRestarted) for (const person of [bob, carol]) await h.room.startsAgain(person)
  await h.room.pass(2000)
  await h.room.comesOnline(h.alice)
  await h.room.pass(100)
  await goesOn(s, tip)
})

/** Of two that opened it at once the smaller id counts: Dave's, until he is removed, which Bob and Carol don't hear of yet. */
async function daveTakesItsNumber(s: Shed): Promise<void> {
  const { h, bob, carol, dave } = s, { number, root } = audience(s, bob)
  const body = encodeAuthorityBody({ type: 'audience', audience: number, roles: [], identities: [h.id(dave)], cuts: [] })
  let op = await signRule(dave.space(h.space), 'audience', body, h.room.now)
  for (let at = h.room.now; op.id >= root; at++) op = await signRule(dave.space(h.space), 'audience', body, at)
  h.room.goesOffline(h.alice)
  await h.does(h.alice, { type: 'ban-member', member: h.id(dave) })
  for (const person of [bob, carol]) whisper(dave, person, h.space, [op])
  await h.room.pass(2000)
  for (const person of [bob, carol]) expect(person.space(h.space).audiences.get(number)?.root).toBe(op.id)
}

test('U7 a private channel whose number Dave took for a group of his own goes on with the keys of its readers when he is removed', async () => {
  const s = await shed('Bob', 'Carol'), tip = audience(s, s.bob).groups.tip()
  await daveTakesItsNumber(s)
  await s.h.room.comesOnline(s.h.alice)
  await s.h.room.pass(100)
  await goesOn(s, tip)
})

test('S6 wrong keys that Carol told in a private channel are counted once, though its group is another for a time', async () => {
  const s = await shed('Bob', 'Carol'), { h, bob, carol } = s, { number, groups } = audience(s, carol), under = groups.tip() as EpochId
  const epoch = groups.commits.get(under)?.parent ?? expect.fail('only one epoch'), lies: Op[] = []
  // Twice as many would mute her.
  for (let n = 0; n < MUTE_AT_POINTS / 20; n++) {
    const body = encodeGroupBody({ type: 'bundle', under, secrets: [{ epoch, sealed: new Uint8Array(72).fill(n) }] })
    lies.push(await alone(h, carol, (turn, replica) => replica.append(turn, 'bundle', body, number)))
  }
  whisper(carol, bob, h.space, lies)
  await h.room.pass(100)
  const listed = async (): Promise<readonly unknown[]> => (await h.does(bob, { type: 'list-audit' })).acts.filter(({ kind }) => kind === 'bundle').map((act) => [act.byName, act.reason?.code])
  expect(await listed()).toEqual(lies.map(() => ['Carol', 'wrong-keys']))
  await daveTakesItsNumber(s)
  await h.room.comesOnline(h.alice)
  await h.room.pass(2000)
  expect([audience(s, bob).groups.tip() === under, await listed()]).toEqual([true, lies.map(() => ['Carol', 'wrong-keys'])])
  expect((await h.room.ask(bob, { type: 'status' })).muted).toEqual([])
})

test('G6 what Bob said in a private channel that was void for Carol, who started again meanwhile, supports its epoch on both their devices', async () => {
  const s = await shed('Carol'), { h, bob, carol, dave, channel } = s
  for (const person of [h.alice, bob]) h.room.goesOffline(person)
  await demotesBoth(s)
  await say(s, bob, 'Bob alone')
  await h.room.comesOnline(dave)
  await h.room.pass(2000)
  await h.room.startsAgain(carol)
  await h.room.pass(2000)
  const [row] = await bob.disk.range(opsPartition(h.space, channel), { from: opKey(bob.space(h.space).me.device, 1), limit: 1 }), op = row && keptOp(bob.space(h.space), channel, row)
  if (op === undefined) expect.fail('Bob said nothing')
  whisper(bob, carol, h.space, [op])
  await h.room.pass(2000)
  for (const person of [bob, h.alice]) { await h.room.comesOnline(person); await h.room.pass(10_000) }
  expect(await texts(s, carol)).toEqual(['Carol was here', 'Bob alone'])
  const supporters = (person: Person): string[][] => {
    const { tree } = audience(s, person).groups, { firsts } = tree as unknown as { readonly firsts: ReadonlyMap<EpochId, ReadonlyMap<string, unknown>> }
    return tree.path().map((epoch) => [...(firsts.get(epoch)?.keys() ?? [])].sort())
  }
  expect(supporters(carol)).toEqual(supporters(bob))
})
