/** Two branches of the group, told apart by what was said in a channel that is deleted later: who comes then never gets that. */
import { expect, test } from 'vitest'
import { Allotment } from './allotment.test-support.ts'

test('G10 what was said in a channel that is deleted chooses no branch: who comes later, without it, comes to the same tip', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  const { channel } = await h.does(h.alice, { type: 'create-channel', name: 'shed' })
  await h.room.pass(10_000)
  await h.apart([h.alice], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(dave) })
    await h.room.pass(10_000)
    await h.joins('Erin')
    for (const person of [bob, carol]) await h.room.ask(person, { type: 'send-message', space: h.space, channel, text: 'In here' })
    await h.room.pass(10_000)
  })
  const tips = (): (string | undefined)[] => [h.alice, bob, carol].map((person) => person.space(h.space).groups.tip())
  expect(new Set(tips()).size).toBe(1)
  await h.does(h.alice, { type: 'delete-channel', channel })
  await h.room.pass(60_000)
  h.room.relayForgets()
  const frank = await h.joins('Frank', (await h.does(h.alice, { type: 'create-invite' })).link)
  await h.room.pass(60_000)
  expect(frank.space(h.space).log.vector().some((entry) => entry.channel === channel)).toBe(false)
  expect([...new Set([...tips(), frank.space(h.space).groups.tip()])]).toHaveLength(1)
})
