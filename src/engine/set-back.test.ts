/** Alice finds that her clock is a year ahead, and sets it right. */
import { expect, test } from 'vitest'
import { Allotment } from './allotment.test-support.ts'
import { CLOCK_SET_BACK_MS } from './limits.ts'

const YEAR_MS = 365 * 24 * 3600_000

test('S26 who sets a clock right that was a year ahead hears, answers and is heard as before', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  h.room.canDial = false
  await h.room.sleep(YEAR_MS)
  await h.say(h.alice, 'Happy New Year')
  await h.room.pass(60_000)
  const before = h.alice.engine
  h.room.now -= YEAR_MS
  for (const one of [h.alice, bob]) await h.room.reply(one, { type: 'list-spaces' })
  expect(h.alice.engine).not.toBe(before)
  await h.say(bob, 'It is last year')
  const carol = await h.joins('Carol')
  await h.room.pass(5000)
  expect([...carol.engine.present.devices(carol.space(h.space), h.room.now)]).toContain(h.alice.device)
  await h.say(h.alice, 'So it is')
  await h.room.pass(5000)
  expect(await h.texts(carol)).toContain('Alice: So it is')
})

test('S26 a clock that is kept right by a network goes back a little, and nothing begins again for it', async () => {
  const h = await Allotment.begin(), before = h.alice.engine
  h.room.now -= CLOCK_SET_BACK_MS
  await h.say(h.alice, 'What time is it?')
  expect(h.alice.engine).toBe(before)
})
