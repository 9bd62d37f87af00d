/** Two real relays, one of which dies without a word: people who are never online together go on talking over the other. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { RelayProcess } from '../../relay/process.test-support.ts'
import { type Line, type PeerProcess, startPeerProcess } from './process.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'thicket-relays-'))
const ending: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ending) await end()
  rmSync(folder, { recursive: true, force: true })
})

async function relay(name: string): Promise<RelayProcess> {
  const made = await RelayProcess.start(join(folder, name))
  ending.push(() => made.end('SIGKILL'))
  return made
}
function peer(name: string, at: RelayProcess): PeerProcess {
  const made = startPeerProcess(['--data', join(folder, name), '--relay', at.url, '--name', name])
  ending.push(() => made.child.kill('SIGKILL'))
  return made
}
async function gone({ child, ended }: PeerProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended
}
const relaysOf = (update: Line): unknown => (update['spaces'] as readonly Line[])[0]?.['relays']
const says = (text: string) => (update: Line): boolean => (update['messages'] as readonly Line[]).some((message) => message['text'] === text)

test('Alice adds a second relay; when the first is killed, what she writes reaches Bob by the second', async () => {
  const first = await relay('first'), second = await relay('second')
  const alice = peer('Alice', first), bob = peer('Bob', first)
  const { space, channel } = await alice.ask({ type: 'create-space', name: 'Garden' })
  const { link } = await alice.ask({ type: 'create-invite', space })
  expect(await bob.ask({ type: 'join', link })).toMatchObject({ ok: true })
  const both = [first.url, second.url]
  expect(await alice.ask({ type: 'set-relays', space, relays: both })).toMatchObject({ ok: true })
  await bob.update('spaces', (update) => JSON.stringify(relaysOf(update)) === JSON.stringify(both))
  await gone(bob)
  await first.end('SIGKILL')

  const { messageId } = await alice.ask({ type: 'send-message', space, channel, text: 'The first relay is dead' })
  await alice.update('states', (update) => (update['states'] as readonly Line[]).some(({ id, state }) => id === messageId && (state as Line).type === 'relay'))
  await gone(alice)
  const bobAgain = peer('Bob', first)
  await bobAgain.update('messages', says('The first relay is dead'))
  await bobAgain.ask({ type: 'send-message', space, channel, text: 'So it is' })
  await bobAgain.update('states', (update) => (update['states'] as readonly Line[]).some(({ state }) => (state as Line).type === 'relay'))
  await gone(bobAgain)
  await peer('Alice', first).update('messages', says('So it is'))
}, 120_000)
