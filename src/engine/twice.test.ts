/** A page of Bob's disk can't be read any more, and with it went who he is, or which spaces he is in. */
import { expect, test } from 'vitest'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { concat } from '../wire/bytes.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { AUDIT_AFTER_MS } from './limits.ts'
import { ME_KEY, SECOND_PARTITION } from './twice.ts'

/** All rows of these are gone. */
async function loses(bob: Person, ...partitions: readonly string[]): Promise<void> {
  for (const [n, partition] of partitions.entries()) {
    const from = partitionPrefix(partition)
    await bob.disk.save([{ type: 'drop', partition }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(n), value: encodeLoss({ from, to: concat(from, new Uint8Array(99).fill(0xff)) }) }])
  }
}

async function talked(): Promise<{ readonly h: Allotment; readonly bob: Person }> {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.say(h.alice, 'one')
  await h.say(bob, 'two')
  await h.room.pass(10_000)
  return { h, bob }
}

const keysOf = async (bob: Person, partition: string): Promise<number[]> => (await bob.disk.range(partition, { limit: 99 })).map(({ key }) => key.length).sort((a, b) => a - b)

test.each([[['me']], [['spaces']], [['me', 'spaces']]])('S13 the rows of %j are lost: the other end of the disk has them, offline too, and they are at both again', async (partitions) => {
  const { h, bob } = await talked(), { device } = bob, kept = (): Promise<number[][]> => Promise.all(['spaces', SECOND_PARTITION].map((partition) => keysOf(bob, partition))), before = await kept()
  h.room.goesOffline(bob)
  await loses(bob, ...partitions)
  await h.room.startsAgain(bob)
  await h.room.pass(50)
  expect([bob.device, await h.names(bob), await h.texts(bob)]).toEqual([device, ['Alice', 'Bob'], ['Alice: one', 'Bob: two']])
  expect(bob.updates.filter((update) => update.type === 'me' && update.isEmptied === true)).toEqual([])
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  await h.say(bob, 'three')
  await h.room.pass(10_000)
  expect((await h.texts(h.alice)).at(-1)).toBe('Bob: three')
  expect(await kept()).toEqual(before)
  expect(await bob.disk.get('me', ME_KEY)).toBeDefined()
  expect(h.forked).toEqual([])
})

test('S13 a disk from before there were two ends, or one that lost the other end, has it again after a minute', async () => {
  const { h, bob } = await talked(), before = await bob.disk.range(SECOND_PARTITION, { limit: 99 })
  expect(before).toHaveLength(2)
  await bob.disk.save([{ type: 'drop', partition: SECOND_PARTITION }])
  await h.room.startsAgain(bob)
  await h.room.pass(AUDIT_AFTER_MS + 5000)
  expect(await bob.disk.range(SECOND_PARTITION, { limit: 99 })).toEqual(before)
})

test('S13 a space that one did not get into is kept at neither end', async () => {
  const { h } = await talked(), { invite, link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  await h.does(h.alice, { type: 'revoke-invite', invite })
  const carol = await h.room.person('Carol')
  expect((await h.room.reply(carol, { type: 'join', link }))?.ok).toBe(false)
  await h.room.pass(10_000)
  expect([await keysOf(carol, 'spaces'), await keysOf(carol, SECOND_PARTITION)]).toEqual([[], [1]])
})
