/** The headless peer is a member like any other. */
import { expect, test } from './fixtures.ts'

test('Alice in her browser and a headless peer talk in one space', async ({ person, peer }) => {
  const alice = person('Alice'), gardener = peer('Gardener')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Who waters today?')

  await gardener.join(await alice.invite())
  await gardener.sees('Who waters today?')
  await gardener.write('I do')
  await alice.sees('I do')
  await alice.write('Thank you')
  await gardener.sees('Thank you')
  await expect(alice.messageState('Thank you')).toHaveText(/delivered/i)
  expect((await gardener.messages()).map(message => [message.authorName, message.text]))
    .toEqual([['Alice', 'Who waters today?'], ['Gardener', 'I do'], ['Alice', 'Thank you']])
})

test('a headless peer makes the space, and Alice joins it from a browser', async ({ person, peer, relay }) => {
  const alice = person('Alice'), gardener = peer('Gardener')
  const { space } = await gardener.ask('create-space', { name: 'Allotment' })
  const { link } = await gardener.ask('create-invite', { space, base: relay.url })
  await gardener.write('Planted in a terminal')
  await alice.join(link)
  await alice.sees('Planted in a terminal')
  await alice.write('Read in a browser')
  await gardener.sees('Read in a browser')
})

test('two headless peers talk, and the one that was killed comes back to what it missed', async ({ peer, relay }) => {
  const gardener = peer('Gardener'), beekeeper = peer('Beekeeper')
  const { space } = await gardener.ask('create-space', { name: 'Allotment' })
  const { link } = await gardener.ask('create-invite', { space, base: relay.url })
  await beekeeper.join(link)
  await beekeeper.write('The bees are awake')
  await gardener.sees('The bees are awake')
  await beekeeper.kill()
  await gardener.write('Then I sow the clover')

  const back = peer('Beekeeper')
  await back.sees('Then I sow the clover')
  await back.write('They will like that')
  await gardener.sees('They will like that')
  expect((await gardener.messages()).map(message => message.text)).toEqual(['The bees are awake', 'Then I sow the clover', 'They will like that'])
})
