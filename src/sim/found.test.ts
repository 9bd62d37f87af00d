/** Seeds that found something, by what they found. What became of a bug in the meantime is told by the tests of the part that had it. */
import { expect, test } from 'vitest'
import { simulate } from './run.ts'

test.each([
  [6, 100, 4, 'who knew only the first epoch when the relay forgot hears again of those who joined since'],
  [1027, 120, 6, 'an owner who was removed comes back by the link of the new one'],
  [1030, 120, 6, 'a newcomer whose kit lacks the votes that decided a fork gets in by the branch that the members are on'],
  [150, 200, 9, 'who has no key of their own last commit is heard by the others all the same, and so is who came by their link', 1],
  [98, 200, 12, 'who came in by a branch that lost, of which all who could be told were members but for one who was removed since, is found and comes in'],
])('seed %i, %i steps, %i peers: %s', async (seed, steps, peers, _what, liars = 0) => {
  expect((await simulate({ seed, steps, peers, liars })).failure).toBeUndefined()
}, 120_000)
