/** Who is writing now, told with Alice, Bob and Carol. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { TYPING_EVERY_MS, TYPING_LASTS_MS } from '../limits.ts'

/** What the person's screen says last, by names. */
function writing(a: Allotment, person: Person): string[] | undefined {
  const last = person.updates.findLast((u) => u.type === 'typing' && u.channel === a.channel)
  return last?.type === 'typing' ? last.members.map((member) => person.space(a.space).authority.nameOf(member)) : undefined
}

const types = (a: Allotment, person: Person) => a.does(person, { type: 'typing', channel: a.channel })

test('Bob writes: the others see it at once, he does not, and when he stops it is over', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  await types(a, bob)
  expect([a.alice, bob, carol].map((p) => writing(a, p))).toEqual([['Bob'], undefined, ['Bob']])
  await a.room.pass(TYPING_EVERY_MS)
  await types(a, bob)
  await a.room.pass(TYPING_LASTS_MS - TYPING_EVERY_MS)
  expect(writing(a, carol)).toEqual(['Bob'])
  await a.room.pass(TYPING_EVERY_MS)
  expect(writing(a, carol)).toEqual([])
})

test('his message ends it, and the next thing he writes is told at once', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  await types(a, bob)
  await a.room.pass(1000)
  await a.does(bob, { type: 'send-message', channel: a.channel, text: 'Done' })
  expect(writing(a, a.alice)).toEqual([])
  await types(a, bob)
  expect(writing(a, a.alice)).toEqual(['Bob'])
})

test('it is said as often as keys are pressed, and told as often as is useful', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  for (let key = 0; key < 25; key++) await types(a, bob)
  const told = a.alice.updates.filter((u) => u.type === 'typing').length
  expect(told).toBe(1)
})

test('who may not write there is not seen writing, and nothing of it is kept', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const before = (await a.alice.disk.range(`ops/${a.space}/${a.channel}`, { limit: 100 })).length
  await types(a, bob)
  expect(await a.alice.disk.range(`ops/${a.space}/${a.channel}`, { limit: 100 })).toHaveLength(before)
  await a.room.pass(TYPING_LASTS_MS)
  await a.does(a.alice, { type: 'set-override', channel: a.channel, member: a.id(bob), allow: [], deny: ['send'] })
  const count = a.alice.updates.length
  await types(a, bob)
  expect(a.alice.updates.slice(count).filter((u) => u.type === 'typing')).toEqual([])
  expect(await a.refusal(bob, { type: 'typing', channel: 'ab'.repeat(16) as typeof a.channel })).toMatchObject({ code: 'unknown-channel' })
})

test('without a connection it goes through the relay', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  a.room.canDial = false
  for (const [one, other] of [[bob, a.alice], [a.alice, bob]] as const) one.queue.push({ type: 'peer-down', peer: other.peer })
  await types(a, bob)
  expect(writing(a, a.alice)).toEqual(['Bob'])
})
