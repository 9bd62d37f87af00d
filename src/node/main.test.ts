/** The headless peer as a process: what a script that starts it sees. No relay answers here: everything must do without. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PeerProcess, startPeerProcess } from './process.test-support.ts'

/** Port 9 is discard: nobody listens. */
const RELAY = 'http://127.0.0.1:9'

let folder = ''
const running: PeerProcess[] = []
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'thicket-peer-')) })
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(args: readonly string[]): PeerProcess {
  const made = startPeerProcess(args)
  running.push(made)
  return made
}
const peer = (name = 'Alice', data = folder) => start(['--data', data, '--relay', RELAY, '--name', name])

test('bad flags end with 2 and one line', async () => {
  const { ended, complaints, lines } = start(['--data', folder])
  expect(await ended).toBe(2)
  expect(complaints()).toHaveLength(1)
  expect(complaints()[0]).toContain('--name')
  expect(lines()).toEqual([])
})

test('a name that nobody may have ends with 2 and one line', async () => {
  const { ended, complaints } = peer('x'.repeat(1000))
  expect(await ended).toBe(2)
  expect(complaints()).toHaveLength(1)
})

test('a space, a channel and a message without any relay; all there after a restart with another name', async () => {
  const first = peer()
  first.say('{"id":1,"type":"create-space","name":"Home"}')
  const { space, channel } = await first.answer(1)
  first.say('nonsense')
  first.say(JSON.stringify({ id: 2, type: 'send-message', space, channel, text: 'hello' }))
  const sent = await first.answer(2)
  expect(sent.ok).toBe(true)
  expect(await first.answer(null)).toMatchObject({ ok: false, error: { code: 'bad-request' } })
  first.say('{"id":3,"type":"stop"}')
  expect(await first.ended).toBe(0)
  expect(first.lines().at(-1)).toEqual({ id: 3, ok: true })

  const second = peer('Alicia')
  second.say(JSON.stringify({ id: 1, type: 'get-messages', space, channel }))
  expect((await second.answer(1))['messages']).toMatchObject([{ id: sent['messageId'], text: 'hello', mine: true, state: { type: 'queued' } }])
  // Done after the new name is told, which waits a moment for somebody who knows more (S9).
  second.say(JSON.stringify({ id: 2, type: 'rename-space', space, name: 'Hut' }))
  expect((await second.answer(2)).ok).toBe(true)
  second.say(JSON.stringify({ id: 3, type: 'list-members', space }))
  expect((await second.answer(3))['members']).toMatchObject([{ name: 'Alicia', me: true, role: 'owner' }])
  second.child.stdin.end()
  expect(await second.ended).toBe(0)
})

test('a second process on the same folder ends with 1 and says why; SIGTERM ends the first with 0', async () => {
  const first = peer()
  first.say('{"id":1,"type":"status"}')
  await first.answer(1)
  const second = peer('Bob')
  expect(await second.ended).toBe(1)
  expect(second.complaints()).toHaveLength(1)
  expect(second.complaints()[0]).toContain('Another peer is running')
  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
})

test('killed right after an answer, what was answered is there', async () => {
  const first = peer()
  first.say('{"id":1,"type":"create-space","name":"Home"}')
  await first.answer(1)
  first.child.kill('SIGKILL')
  await first.ended
  const second = peer()
  second.say('{"id":1,"type":"list-spaces"}')
  expect((await second.answer(1))['spaces']).toMatchObject([{ name: 'Home' }])
})

test('a copy of all there is, taken by another peer, under its passphrase alone', async () => {
  const first = peer(), secret = 'slugs under the lettuce'
  const { space, channel } = await first.ask({ type: 'create-space', name: 'Home' })
  await first.ask({ type: 'send-message', space, channel, text: 'hello' })
  const { ok, file } = await first.ask({ type: 'save-copy', passphrase: secret })
  expect(ok).toBe(true)
  expect(await first.ask({ type: 'take-copy', file, passphrase: secret })).toMatchObject({ ok: false, error: { code: 'already-set-up' } })
  const second = peer('Alice', join(folder, 'other'))
  expect(await second.ask({ type: 'take-copy', file, passphrase: 'slugs under the roses' })).toMatchObject({ ok: false, error: { code: 'copy-locked' } })
  expect((await second.ask({ type: 'take-copy', file, passphrase: secret })).ok).toBe(true)
  await second.update('spaces', (update) => Array.isArray(update['spaces']) && update['spaces'].length === 1)
  expect((await second.ask({ type: 'get-messages', space, channel }))['messages']).toMatchObject([{ text: 'hello', mine: true }])
  second.say('{"id":9,"type":"stop"}')
  expect(await second.ended).toBe(0)
})
