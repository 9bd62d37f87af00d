/** Who reads an audience, and what that decides about content. Numbers are those of ../RULES.md. */
import { expect, test } from 'vitest'
import { MAX_AUDIENCES } from './permitted.ts'
import { judged, message, tell } from './story.test-support.ts'

const HOME = `
  alice founds Home
  alice invites door
  bob joins door
  carol joins door
  dave joins door
  alice makes mod 50 channels,roles
  alice makes gardener 10
  alice gives mod bob
`

test('U5 an audience is opened by one of its readers, and changed by them or the owner', () => tell(`${HOME}
  carol shares 1 carol dave -> no-permission
  bob shares 1 carol dave -> not-a-reader
  bob shares 1 bob carol
  bob opens shed 1
  readers 1: bob carol
  alice opens attic 2 -> unknown-audience
  alice shares 0 alice -> unknown-audience
  alice gives mod dave
  dave shares 1 bob carol dave -> not-a-reader
  dave moves shed 0
  bob shares 1 bob dave
  readers 1: bob dave
  alice shares 1 alice
  readers 1: alice
  bob shares 1 bob -> not-a-reader
`))

test('U5 readers by a role come and go with it', () => tell(`${HOME}
  alice shares 1 alice @gardener
  readers 1: alice
  alice gives gardener carol
  readers 1: alice carol
  alice takes gardener carol
  readers 1: alice
  alice gives gardener dave
  alice kicks dave
  readers 1: alice
`))

test('U5 of concurrent changes the fewer readers count, and of concurrent moves one that is not to everyone', async () => {
  const story = await tell(`${HOME}
    bob shares 1 bob carol
    bob opens shed 1
    apart alice | bob
    alice shares 1 alice bob carol
    bob shares 1 bob
    together
    readers 1: bob
    bob shares 2 bob
    apart alice | bob
    alice moves shed 0
    bob moves shed 2
    together
  `)
  for (const who of ['alice', 'bob']) {
    const channels = [...story.village.device(who).authority.state.channels.values()]
    expect(channels.map((c) => c.audience)).toEqual([2])
  }
})

test('U5 there are so many audiences and no more', async () => {
  const story = await tell(HOME)
  const alice = story.village.device('alice')
  for (let n = 1; n <= MAX_AUDIENCES; n++) await story.village.say(alice, { type: 'audience', audience: n, roles: [], identities: [alice.identity], cuts: [] })
  await story.tell(`
    alice shares 1000 alice -> limit-reached
    alice shares 1 alice bob
    force alice shares 1000 alice -> limit-reached
  `)
})

test('U5 an audience whose channels are all deleted makes room for another, and is for no further channel', async () => {
  const story = await tell(HOME)
  const alice = story.village.device('alice')
  for (let n = 1; n <= MAX_AUDIENCES; n++) await story.village.say(alice, { type: 'audience', audience: n, roles: [], identities: [alice.identity], cuts: [] })
  await story.tell(`
    alice opens shed 1
    alice opens barn 1
    alice closes shed
    alice shares 1000 alice -> limit-reached
    alice closes barn
    alice shares 1000 alice
    alice shares 1001 alice -> limit-reached
    alice opens loft 1 -> unknown-audience
    alice opens loft 1000
    alice moves loft 1 -> unknown-audience
    force alice moves loft 1 -> unknown-audience
    # A channel that went elsewhere keeps its old words, and so the audience that reads them.
    alice moves loft 0
    alice shares 1001 alice -> limit-reached
    alice closes loft
    alice shares 1001 alice
  `)
})

test('U5 readers nobody knows are nobody', async () => {
  const story = await tell(`${HOME}
    bob shares 1 bob zoe @nothing
    bob opens shed 1
    readers 1: bob
  `)
  const { authority } = story.village.device('bob')
  expect(authority.state.audiences.get(1)?.identities).toContain(story.village.device('zoe').identity)
})

test('U6 content is judged against those who read its channel at its past', async () => {
  const story = await tell(`${HOME}
    bob shares 1 bob carol
    bob opens shed 1
    bob shares 2 bob carol
  `)
  const inShed = (who: string, audience = 1) => message(story, who, { channel: 'shed', audience })
  expect(judged(story, inShed('carol'))).toBe('valid')
  expect(judged(story, inShed('dave'))).toBe('not-a-reader')
  // Neither do those count who sealed it for others than its readers, however few.
  expect(judged(story, inShed('carol', 0))).toBe('unknown-audience')
  expect(judged(story, inShed('carol', 2))).toBe('unknown-audience')
  const before = { ...inShed('carol'), seq: story.village.device('carol').seq }
  await story.tell('bob shares 1 bob')
  expect(judged(story, before)).toBe('valid')
  expect(judged(story, inShed('carol'))).toBe('not-a-reader')
  const early = inShed('bob')
  await story.tell('bob moves shed 2')
  expect(judged(story, early)).toBe('valid')
  expect(judged(story, inShed('bob', 2))).toBe('valid')
  expect(judged(story, inShed('bob', 1))).toBe('unknown-audience')
})

test('U6 what a former reader wrote beyond the cut, not knowing, is void; what was seen stays', async () => {
  const story = await tell(`${HOME}
    alice shares 1 alice bob carol
    alice opens shed 1
    alice opens garden
  `)
  const carol = story.village.device('carol')
  const within = message(story, 'carol', { channel: 'shed', audience: 1, seq: carol.seq })
  const beyond = message(story, 'carol', { channel: 'shed', audience: 1, seq: carol.seq + 3 })
  const elsewhere = message(story, 'carol', { seq: carol.seq + 3 })
  await story.tell('alice shares 1 alice bob')
  expect(judged(story, within)).toBe('valid')
  expect(judged(story, beyond)).toBe('demoted')
  expect(judged(story, elsewhere)).toBe('valid')
})

test('U7 the group hangs off the first op that counts, and an op that does not can not take its place', async () => {
  const story = await tell(`${HOME}
    apart alice | bob | carol
    alice shares 1 alice
    force carol shares 1 carol -> no-permission
    bob shares 1 bob
  `)
  const alice = story.last.get('alice') ?? '', bob = story.last.get('bob') ?? ''
  await story.tell('together')
  for (const who of ['alice', 'bob', 'carol']) expect(story.village.device(who).authority.openingOf(1)).toBe(alice < bob ? alice : bob)
  await story.tell('alice shares 1 alice bob')
  expect(story.village.device('bob').authority.openingOf(1)).toBe(alice < bob ? alice : bob)
  expect(story.village.device('bob').authority.openingOf(2)).toBe(undefined)
})
