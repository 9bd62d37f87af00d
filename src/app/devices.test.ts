import { expect, test } from 'vitest'
import type { DeviceInfo } from '../api/authority.ts'
import { parseDeviceId, type DeviceId } from '../wire/ids.ts'
import { mineOf } from './devices.ts'
import { ALICE, BOB, NOON, spaceId } from './messages.test-support.ts'

const device = (name: string, more: Partial<DeviceInfo> = {}): DeviceInfo => ({ device: parseDeviceId(name.repeat(64)) as DeviceId, member: ALICE.identity, mine: true, name: '', here: false, online: false, addedAt: NOON, mayRevoke: true, ...more })

test('Alice’s devices are listed once each, this one first, with all the spaces they are in', () => {
  const laptop = device('1', { here: true, online: true }), phone = device('2', { addedAt: NOON + 5 })
  const mine = mineOf([
    { space: spaceId('allotment'), devices: [laptop, phone, device('3', { mine: false, member: BOB.identity })] },
    { space: spaceId('village'), devices: [{ ...phone, online: true, addedAt: NOON + 1 }, laptop] },
  ])
  expect(mine.map((d) => [d.device[0], d.here, d.online, d.addedAt - NOON, d.spaces.length])).toEqual([['1', true, true, 0, 2], ['2', false, true, 1, 2]])
})
