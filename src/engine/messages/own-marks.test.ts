/** What Alice reads on her phone is read on her laptop, and nobody else can tell what. */
import { expect, test } from 'vitest'
import type { OpId } from '../../wire/ids.ts'
import { MAX_MARKS } from '../../wire/marks.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { Out } from '../out.ts'

async function home(): Promise<{ a: Allotment; bob: Person; phone: Person }> {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), phone = await a.room.person('phone', true)
  const { request } = await a.room.ask(phone, { type: 'ask-to-link' })
  const { answer } = await a.room.ask(a.alice, { type: 'link-device', request })
  await a.room.ask(phone, { type: 'finish-link', answer })
  await a.room.pass(5000)
  return { a, bob, phone }
}

const unread = async (a: Allotment, person: Person): Promise<number | undefined> => (await a.does(person, { type: 'list-channels' })).channels[0]?.unread
const last = async (a: Allotment, person: Person) => (await a.does(person, { type: 'get-messages', channel: a.channel })).messages.at(-1)

test('what is read on one device is read on the other, and Bob’s stays his', async () => {
  const { a, bob, phone } = await home()
  await a.say(bob, 'One')
  const { messageId: two } = await a.say(bob, 'Two')
  await a.say(a.alice, 'Three')
  await a.room.pass(1000)
  expect([await unread(a, a.alice), await unread(a, phone), await unread(a, bob)]).toEqual([2, 2, 1])
  await a.does(phone, { type: 'mark-read', channel: a.channel, message: two })
  await a.room.pass(5000)
  expect([await unread(a, a.alice), await unread(a, phone), await unread(a, bob)]).toEqual([0, 0, 1])
})

test('a device that was away hears of it when it comes back, and older marks take nothing back', async () => {
  const { a, bob, phone } = await home()
  const { messageId: one } = await a.say(bob, 'One')
  const { messageId: two } = await a.say(bob, 'Two')
  await a.room.pass(1000)
  await a.apart([phone], async () => {
    await a.does(a.alice, { type: 'mark-read', channel: a.channel, message: two })
    await a.does(phone, { type: 'mark-read', channel: a.channel, message: one })
    await a.room.pass(5000)
  })
  expect([await unread(a, a.alice), await unread(a, phone)]).toEqual([0, 0])
})

test('a thread that is read or written in on one device is followed on the other', async () => {
  const { a, bob, phone } = await home()
  const { messageId: root } = await a.say(bob, 'Root')
  await a.room.pass(1000)
  await a.does(phone, { type: 'send-message', channel: a.channel, text: 'Reply', thread: root })
  await a.room.pass(5000)
  await a.does(bob, { type: 'send-message', channel: a.channel, text: 'Thanks', thread: root })
  await a.room.pass(1000)
  expect((await last(a, a.alice))?.replies).toMatchObject({ count: 2, unread: 1 })
  const { messages } = await a.does(phone, { type: 'get-messages', channel: a.channel, thread: root })
  await a.does(phone, { type: 'mark-read', channel: a.channel, message: messages.at(-1)?.id ?? root })
  await a.room.pass(5000)
  expect((await last(a, a.alice))?.replies).toMatchObject({ count: 2, unread: 0 })
})

test('who has one device only tells nobody that they read; who has two leaves one note at the relay', async () => {
  const { a, bob } = await home()
  const { messageId: hers } = await a.say(a.alice, 'Hello')
  const { messageId: his } = await a.say(bob, 'Hello')
  await a.room.pass(10_000)
  const posts: (() => void)[] = a.room.onTheWay = []
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: hers })
  await a.room.pass(10_000)
  expect(posts).toHaveLength(0)
  await a.does(a.alice, { type: 'mark-read', channel: a.channel, message: hers })
  await a.does(a.alice, { type: 'mark-read', channel: a.channel, message: his })
  await a.room.pass(10_000)
  expect(posts).toHaveLength(1)
})

test('who reads more at once than one note holds tells all of it', async () => {
  const { a, phone } = await home()
  const spots = Array.from({ length: 2 * MAX_MARKS + 1 }, (_, n) => ({ space: a.space, channel: a.channel, thread: n.toString(16).padStart(64, '0') as OpId }))
  for (const spot of spots) phone.engine.reading.mark({ now: a.room.now, out: new Out() }, spot, 7)
  phone.queue.push({ type: 'timer', tag: `marks|${a.space}` })
  await a.room.pass(5000)
  expect(spots.filter((spot) => a.alice.engine.reading.readUpTo(spot) !== 7)).toEqual([])
})
