/** What a removal says of how far its target's devices went. */
import { expect, test } from 'vitest'
import { MAX_CUT_CHAINS } from '../wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, OpId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { cutsOf } from './cuts.ts'
import type { Replica } from './replica.ts'
import { home, signMessage, whisper } from './sync/mallory.test-support.ts'

const endsIn = (replica: Replica, identity: IdentityId) => cutsOf(replica, [identity]).map(({ ends }) => ends)

test('A26 of a device whose numbers are all here, all chains are named; and of another those in which somebody else had the same', async () => {
  const { room, alice, bob, carol, mallory, space, channel } = await home()
  await room.ask(mallory, { type: 'send-message', space, channel, text: 'One' })
  await room.pass(40_000)
  const mal = mallory.space(space), { identity } = mal.me
  for (const person of [alice, carol]) expect(endsIn(person.space(space), identity)).toEqual([{ all: true, chains: [{ channel, chanSeq: 1 }] }])
  const aside: Op = await signMessage(mal, channel, 'Two', room.now, { seq: (mal.log.deviceHeads.get(mal.me.device)?.seq ?? 0) + 5 })
  room.leaves(mallory)
  whisper(mallory, alice, space, [aside])
  await room.pass(40_000)
  const { channel: other } = await room.ask(alice, { type: 'create-channel', space, name: 'other' })
  await room.pass(40_000)
  expect(endsIn(alice.space(space), identity)).toEqual([{ all: false, chains: [{ channel, chanSeq: 2 }, { channel: other, chanSeq: 0 }].sort((a, b) => (a.channel < b.channel ? -1 : 1)) }])
  // Whoever has heard of nobody since their app was opened may lack what others have.
  room.leaves(bob)
  room.leaves(carol)
  await alice.restart()
  await room.pass(1000)
  expect(endsIn(alice.space(space), identity)).toEqual([undefined])
})

test('A29 a restriction names so many chains, and of further devices the last number', () => {
  const devices = ['a', 'b', 'c'].map((d) => d.repeat(64) as DeviceId), chains = (n: number) => Array.from({ length: n }, (_, i) => ({ channel: i.toString(16).padStart(32, '0') as ChannelId, chanSeq: 1 }))
  const lengths = new Map([[devices[0], MAX_CUT_CHAINS - 10], [devices[1], 11], [devices[2], 10]])
  const replica = {
    authority: { cutsFor: () => devices.map((device) => ({ device, seq: 9, head: undefined as OpId | undefined, authority: undefined })) },
    log: { deviceHeads: new Map(), endsOf: (device: DeviceId) => ({ all: true, chains: chains(lengths.get(device) ?? 0) }) },
  } as unknown as Replica
  expect(cutsOf(replica, ['d'.repeat(64) as IdentityId]).map(({ ends }) => ends?.chains.length)).toEqual([MAX_CUT_CHAINS - 10, undefined, 10])
})
