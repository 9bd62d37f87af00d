/** What a group keeps of what its members tell and ask for, where one of them wants it to keep more. */
import { expect, test, vi } from 'vitest'
import { encodeGroupBody } from '../../wire/group.ts'
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { secretsForNewcomers } from '../history.ts'
import { ASKED_ANEW_AFTER_MS, MAX_ACTS_A_MINUTE, MAX_ASKED_AGAIN, MAX_BUNDLES, MAX_BUNDLES_OF_ONE, MAX_GRANTS_OF_ONE, MAX_KIT_SECRETS, MAX_WANTS, MAX_WANTS_OF_ONE } from '../limits.ts'
import { Grants } from './grants.ts'
import { alone, hand, home, joins, of, renews, tipOf } from './home.test-support.ts'

const hexOf = <T extends string>(n: number): T => n.toString(16).padStart(64, '0') as T
const ME = hexOf<DeviceId>(0xa11ce), BOB = hexOf<DeviceId>(0xb0b), MALLORY = hexOf<DeviceId>(0xbad), EPOCH = hexOf<EpochId>(1)
let made = 0
const opBy = (device: DeviceId): Op => ({ id: hexOf<OpId>(++made), header: { device, hlc: made } }) as unknown as Op
const devices = (wants: readonly { readonly device: DeviceId }[]): Map<DeviceId, number> => {
  const out = new Map<DeviceId, number>()
  for (const { device } of wants) out.set(device, (out.get(device) ?? 0) + 1)
  return out
}

test('bundles beyond what is kept cost whoever made the most of them: what Bob told stays, and what is told next is looked into', async () => {
  const h = await home(), { groups } = of(h, h.alice), bundle = { type: 'bundle', under: tipOf(h, h.alice), secrets: [] } as const
  const kept = (): Map<DeviceId, number> => devices((groups as unknown as { readonly bundles: readonly { readonly device: DeviceId }[] }).bundles)
  groups.addBundle(opBy(BOB), bundle)
  for (let n = 0; n < MAX_BUNDLES_OF_ONE + 50; n++) groups.addBundle(opBy(MALLORY), bundle)
  expect(kept()).toEqual(new Map([[BOB, 1], [MALLORY, MAX_BUNDLES_OF_ONE]]))
  for (let friend = 1; friend < MAX_BUNDLES / MAX_BUNDLES_OF_ONE; friend++) for (let n = 0; n < MAX_BUNDLES_OF_ONE; n++) groups.addBundle(opBy(hexOf(friend)), bundle)
  for (let n = 0; n < 3; n++) groups.addBundle(opBy(BOB), bundle)
  expect(kept().get(BOB)).toBe(4)
  expect([...kept().values()].reduce((sum, n) => sum + n, 0)).toBe(MAX_BUNDLES)
})

test('requests beyond what is kept cost whoever asks the most: Bob\'s, from before, is still to be answered', () => {
  const grants = new Grants(ME)
  grants.addWant(opBy(BOB), [EPOCH])
  for (let friend = 1; friend <= MAX_WANTS / MAX_WANTS_OF_ONE + 3; friend++) for (let n = 0; n < MAX_WANTS_OF_ONE + 5; n++) grants.addWant(opBy(hexOf(friend)), [EPOCH])
  const open = devices(grants.unanswered())
  expect([...open.values()].reduce((sum, n) => sum + n, 0)).toBe(MAX_WANTS)
  expect(Math.max(...open.values())).toBeLessThanOrEqual(MAX_WANTS_OF_ONE)
  expect(open.get(BOB)).toBe(1)
})

test('sixteen wrong answers keep out a right one once: it is asked for again, and their givers don\'t count any more', () => {
  const grants = new Grants(ME), want = opBy(ME), right = new Uint8Array([1]), wrong = new Uint8Array([0])
  grants.addWant(want, [EPOCH])
  for (let liar = 1; liar <= MAX_GRANTS_OF_ONE; liar++) grants.addGrant(opBy(hexOf(liar)), want.id, wrong)
  grants.addGrant(opBy(BOB), want.id, right)
  expect(grants.takeReceived().map(({ sealed }) => sealed)).toEqual(Array.from({ length: MAX_GRANTS_OF_ONE }, () => wrong))
  expect(grants.mayAsk(EPOCH, 0)).toBe(true)
  const again = opBy(ME)
  grants.addWant(again, [EPOCH])
  for (let liar = 1; liar < MAX_GRANTS_OF_ONE; liar++) grants.addGrant(opBy(hexOf(liar)), again.id, wrong)
  expect(grants.isAnswered({ op: again.id, device: ME, epochs: [EPOCH], at: 0 })).toBe(false)
  grants.addGrant(opBy(BOB), again.id, right)
  expect(grants.takeReceived().at(-1)?.sealed).toBe(right)
  expect(grants.isAnswered({ op: again.id, device: ME, epochs: [EPOCH], at: 0 })).toBe(true)
  for (let n = 0; n < MAX_ASKED_AGAIN; n++) { const more = opBy(ME); grants.addWant(more, [EPOCH]); grants.addGrant(opBy(hexOf(100 + n)), more.id, wrong) }
  const asked = made / 1024
  expect([asked, asked + ASKED_ANEW_AFTER_MS - 1, asked + ASKED_ANEW_AFTER_MS].map((now) => grants.mayAsk(EPOCH, now))).toEqual([false, false, true])
})

test('who asks for the same again and again is answered once by each, and no more', async () => {
  const h = await home(), bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory'), epochs = [tipOf(h, mallory)]
  h.room.leaves(mallory)
  const asks = async (): Promise<Op> => alone(h, mallory, (turn, replica) => replica.append(turn, 'keyWant', encodeGroupBody({ type: 'keyWant', epochs })))
  await hand(h, [await asks(), await asks(), await asks()], h.alice, bob)
  await h.room.pass(10 * 60_000)
  const grants = [...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'grant').map((op) => op.header.device)
  expect(grants.sort()).toEqual([h.alice, bob].map((person) => of(h, person).me.device).sort())
})

test('G15 whoever gives Alice much to do makes her wait, and what is due is done in the next minute', async () => {
  const h = await home(), mallory = await joins(h, 'Mallory'), more = MAX_ACTS_A_MINUTE + 5, asks: Op[] = []
  for (let n = 0; n < more; n++) await hand(h, [await renews(h, mallory)], h.alice)
  h.room.leaves(mallory)
  const epochs = of(h, mallory).groups.tree.path().slice(-more)
  for (const epoch of epochs) asks.push(await alone(h, mallory, (turn, replica) => replica.append(turn, 'keyWant', encodeGroupBody({ type: 'keyWant', epochs: [epoch] }))))
  const grants = (): number => [...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'grant').length
  await hand(h, asks, h.alice)
  await h.room.pass(50_000)
  expect(grants()).toBe(MAX_ACTS_A_MINUTE)
  await h.room.pass(60_000)
  expect(grants()).toBe(more)
})

test('nobody answers where no answer more is looked at', () => {
  const grants = new Grants(ME), wants = [0, 1].map(() => opBy(MALLORY))
  for (const want of wants) {
    grants.addWant(want, [EPOCH])
    for (let liar = 1; liar <= MAX_GRANTS_OF_ONE; liar++) grants.addGrant(opBy(hexOf(liar)), want.id, new Uint8Array())
  }
  const open = grants.unanswered()
  expect(open.map(({ op }) => op)).toEqual([wants[1]?.id])
  for (const want of open) expect(grants.isNews(want, [EPOCH])).toBe(false)
})

test('of one device the last word counts that shares the past with somebody: Mallory\'s many keep out nobody\'s', () => {
  const grants = new Grants(ME), carol = hexOf<IdentityId>(0xca)
  for (let n = 0; n < 3 * MAX_GRANTS_OF_ONE; n++) grants.addShare(opBy(MALLORY), carol)
  const bobs = opBy(BOB)
  grants.addShare(bobs, carol)
  expect(grants.sharesWith(carol).map(({ by }) => by)).toEqual([MALLORY, BOB])
  for (let liar = 1; liar <= 2 * MAX_GRANTS_OF_ONE; liar++) grants.addShare(opBy(hexOf(liar)), carol)
  expect(grants.sharesWith(carol)).toHaveLength(MAX_GRANTS_OF_ONE)
  expect(grants.sharesWith(carol).map(({ op }) => op)).toContain(bobs.id)
})

test('a kit tells so many secrets, the tip\'s first', async () => {
  const h = await home(), { everyone, me } = of(h, h.alice), tip = tipOf(h, h.alice), { groups } = everyone
  const others = Array.from({ length: 2 * MAX_KIT_SECRETS }, (_, n) => hexOf<EpochId>(n + 1)), node = groups.tree.nodes.get(tip), secret = groups.keys.secret(tip)
  const nodes = groups.tree.nodes.get.bind(groups.tree.nodes)
  vi.spyOn(groups, 'remembered').mockReturnValue(others)
  vi.spyOn(everyone, 'isOpen').mockReturnValue(true)
  vi.spyOn(groups.tree.nodes, 'get').mockImplementation((epoch) => nodes(epoch) ?? node)
  vi.spyOn(groups.keys, 'secret').mockReturnValue(secret)
  const told = secretsForNewcomers(everyone, tip, me.identity)
  vi.restoreAllMocks()
  expect(told.map(({ epoch }) => epoch)).toEqual([tip, ...others].slice(0, MAX_KIT_SECRETS))
})
