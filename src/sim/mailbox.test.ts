/** The simulated relays keep the same promises as real ones: the mailbox's contract, in virtual time. */
import { setImmediate } from 'node:timers/promises'
import { describe, test } from 'vitest'
import { MAILBOX_CONTRACT } from '../adapters/mailbox.contract.ts'
import { seededRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import { toHex, utf8 } from '../wire/bytes.ts'
import { PostOffice, type Relay } from './mailbox.ts'
import { Ether } from './network.ts'
import { World } from './world.ts'

const URL = 'https://one.example'

/** Lets virtual time pass until a story has ended. */
async function live(world: World, story: Promise<void>): Promise<void> {
  let isOver = false
  const ended = story.finally(() => { isOver = true })
  // Whoever waits for an event goes on in a later turn: time stands still until they have said what they do next.
  while (!isOver) { await world.next(world.now + 60_000); await setImmediate() }
  await ended
}

describe('in the simulation', () => {
  test.each(MAILBOX_CONTRACT)('$name', async ({ run }) => {
    const suite = await createSuite(seededRandom('mailbox'))
    const world = new World('mailbox'), office = new PostOffice(world, new Ether(world), [URL])
    const relay = office.relays.get(URL) as Relay
    let machines = 0
    const turn = async (isUp: boolean): Promise<void> => { relay.isUp = isUp; office.lookAround() }
    await live(world, run({
      relay: URL,
      open: () => office.mailbox(`machine ${++machines}`, () => true),
      async topic(name) {
        const seed = suite.sha256(utf8(name))
        const { publicKey } = await suite.signingKey(seed)
        return { topic: toHex(suite.sha256(publicKey).subarray(0, 16)), seed }
      },
      kill: () => turn(false),
      start: () => turn(true),
      forget: () => relay.forget(),
      replace: () => relay.forget(),
    }))
  })
})
