/** The mailbox's contract, on a real relay process over real sockets. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { toHex, utf8 } from '../wire/bytes.ts'
import { MAILBOX_CONTRACT } from './mailbox.contract.ts'
import { createMailbox } from './mailbox-relay.ts'
import { TestRelay } from './mailbox-test-relay.ts'
import { seededRandom } from './random.ts'
import { createSuite } from './suite.ts'

const relay = new TestRelay()
beforeAll(() => relay.start())
afterAll(() => relay.remove())

describe('over HTTP and WebSocket', () => {
  test.each(MAILBOX_CONTRACT)('$name', async ({ run }) => {
    const random = seededRandom('mailbox')
    const suite = await createSuite(random)
    await run({
      relay: relay.url,
      open: () => createMailbox({ suite, random }),
      async topic(name) {
        const seed = suite.sha256(utf8(name))
        const { publicKey } = await suite.signingKey(seed)
        return { topic: toHex(suite.sha256(publicKey).subarray(0, 16)), seed }
      },
      kill: () => relay.kill(),
      start: () => relay.start(),
      forget: () => relay.forget(),
      replace: () => relay.replace(),
    })
  })
})
