/** What was saved last can't be read any more: the headless peer's disk is then as it was before, its tally knows better, and nothing is signed under its key. */
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Line, type PeerProcess, startPeerProcess } from './process.test-support.ts'

/** Port 9 is discard: nobody listens. */
const RELAY = 'http://127.0.0.1:9'
const folder = mkdtempSync(join(tmpdir(), 'thicket-cut-'))
const running: PeerProcess[] = []
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(): PeerProcess {
  const made = startPeerProcess(['--data', folder, '--relay', RELAY, '--name', 'Alice'])
  running.push(made)
  return made
}

function withBlocks<T>(act: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(folder, 'disk.sqlite'))
  try { return act(db) } finally { db.close() }
}
const blockIds = (): string[] => withBlocks((db) => db.prepare('SELECT hex(id) AS id FROM blocks').all().map((row) => String(row['id'])))

test('S22 a journal whose end was cut off: the tally knows that more was signed, which is said, and nothing more is signed', async () => {
  const first = start()
  const { space, channel } = await first.ask({ type: 'create-space', name: 'Home' })
  expect((await first.ask({ type: 'send-message', space, channel, text: 'kept' })).ok).toBe(true)
  first.child.kill('SIGKILL')
  await first.ended
  const before = new Set(blockIds())
  const again = start()
  expect((await again.ask({ type: 'send-message', space, channel, text: 'cut off' })).ok).toBe(true)
  // Opened anew it signs only once it has waited for somebody who might know more (S9).
  await again.update('messages', (update) => (update['messages'] as readonly Line[]).some((message) => message['text'] === 'cut off' && (message['state'] as Line).type === 'queued'))
  again.child.kill('SIGKILL')
  await again.ended
  const written = blockIds().filter((id) => !before.has(id))
  expect(written.length, 'the journal’s last record').toBeGreaterThan(0)
  withBlocks((db) => { for (const id of written) db.prepare('DELETE FROM blocks WHERE hex(id) = ?').run(id) })

  const last = start()
  await last.update('notice', (update) => update.error?.code === 'damaged')
  await last.update('notice', (update) => update.error?.code === 'older')
  expect((await last.ask({ type: 'get-messages', space, channel }))['messages']).toMatchObject([{ text: 'kept' }])
  expect(await last.ask({ type: 'create-space', name: 'Hut' })).toMatchObject({ ok: false, error: { code: 'older' } })
}, 60_000)
