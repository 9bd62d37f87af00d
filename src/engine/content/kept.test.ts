/** How Bob keeps what Alice said: as what it says, and as her op again, byte for byte, when somebody asks for it. */
import { expect, test } from 'vitest'
import type { Row } from '../../ports.ts'
import { isKeptOp } from '../../wire/kept-op.ts'
import type { Op } from '../../wire/op.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { opKey } from '../log/log.ts'
import { opsPartition } from '../replica.ts'
import { keptOp, lockingEpoch } from './kept.ts'

const rowsOf = (h: Allotment, person: Person): Promise<Row[]> => person.disk.range(opsPartition(h.space, h.channel), { limit: 100 })
const opsOf = async (h: Allotment, person: Person): Promise<Op[]> => (await rowsOf(h, person)).map((row) => keptOp(person.space(h.space), h.channel, row) ?? expect.fail('a row gives no op'))
const bodies = (ops: readonly Op[]): unknown => ops.map(({ id, header, body }) => ({ id, header, body }))

async function talked(): Promise<{ readonly h: Allotment; readonly bob: Person }> {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  h.room.leaves(bob)
  const { messageId } = await h.does(h.alice, { type: 'send-message', channel: h.channel, text: 'The slugs have eaten all of the salad again' })
  await h.does(h.alice, { type: 'edit-message', message: messageId, text: 'The slugs have eaten all of it' })
  await h.does(h.alice, { type: 'react', message: messageId, emoji: '🐌', on: true })
  await h.does(h.alice, { type: 'create-channel', name: 'shed' })
  await h.does(h.alice, { type: 'send-message', channel: h.channel, thread: messageId, text: 'Again?' })
  await h.room.comesBack(bob)
  await h.room.pass(5000)
  return { h, bob }
}

test('what came is kept as what it says, in half the room, and is the same op again', async () => {
  const { h, bob } = await talked()
  const [kept, own] = [await rowsOf(h, bob), await opsOf(h, h.alice)]
  expect(kept.map(({ value }) => isKeptOp(value))).toEqual([true, true, true, true])
  expect(bodies(await opsOf(h, bob))).toEqual(bodies(own))
  const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b)
  expect(sum(kept.map(({ value }) => value.length)) / sum(own.map(({ bytes }) => bytes.length))).toBeLessThan(0.6)
})

test('who keeps it so gives it to others, after a restart, too', async () => {
  const { h, bob } = await talked()
  h.room.onTheWay = undefined
  await h.room.startsAgain(bob)
  h.room.leaves(h.alice)
  const carol = await h.joins('Carol')
  await h.room.pass(5000)
  expect(bodies(await opsOf(h, carol))).toEqual(bodies(await opsOf(h, bob)))
  expect(await h.texts(carol)).toEqual(await h.texts(bob))
})

test('a row that is cut, or in the place of another, gives no op', async () => {
  const { h, bob } = await talked()
  const [first, second] = await rowsOf(h, bob) as [Row, Row], replica = bob.space(h.space)
  for (let length = 0; length < first.value.length; length++) expect(keptOp(replica, h.channel, { ...first, value: first.value.slice(0, length) })).toBeUndefined()
  expect(keptOp(replica, h.channel, { ...first, key: second.key })).toBeUndefined()
  expect(keptOp(replica, h.channel, { ...first, key: opKey(h.alice.space(h.space).me.device, 9) })).toBeUndefined()
  expect(lockingEpoch(replica, first)).toBeUndefined()
})
