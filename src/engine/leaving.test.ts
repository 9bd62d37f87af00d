/** Who leaves, and nobody hears it: the relay forgets. */
import { expect, test } from 'vitest'
import { decodeFrame } from '../wire/frame.ts'
import { Allotment } from './allotment.test-support.ts'

const names = (h: Allotment): Promise<string[]> => h.names(h.alice)

test('S33 Bob left while he was alone, and the relay forgot it: he says so to Alice, whom he meets by another space, until she has it, and nothing else', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.room.pass(5000)
  h.room.leaves(h.alice)
  h.room.canDial = false
  await h.room.ask(bob, { type: 'leave-space', space: h.space })
  await h.room.pass(5000)
  h.room.forgets()
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  expect(await names(h)).toEqual(['Alice', 'Bob'])
  const told: string[] = []
  h.room.seesFrame = (bytes, from) => { if (from === bob) told.push(decodeFrame(bytes)?.type ?? '') }
  h.room.canDial = true
  const meet = async (): Promise<void> => {
    for (const [one, other] of [[bob, h.alice], [h.alice, bob]] as const) one.queue.push({ type: 'peer-up', peer: other.peer, path: 'direct' })
    await h.room.pass(60_000)
    for (const [one, other] of [[bob, h.alice], [h.alice, bob]] as const) one.queue.push({ type: 'peer-down', peer: other.peer })
    await h.room.pass(1000)
  }
  await bob.restart()
  await h.room.pass(1000)
  await meet()
  expect(await names(h)).toEqual(['Alice'])
  expect(told.toSorted()).toEqual(['hello', 'ops'])
  told.length = 0
  await bob.restart()
  await h.room.pass(1000)
  await meet()
  expect(told).toEqual([])
})
