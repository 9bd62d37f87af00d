/** From the command to the page: a process starts, and somebody asks for `/` until it comes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Figure, median } from './table.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ROUNDS = 5
const ASK_EVERY_MS = 5
const GIVE_UP_MS = 120_000

/** Leaves a production build in `dist`. */
export async function benchStart(): Promise<Figure[]> {
  const built: number[] = [], ready: number[] = []
  for (let n = 0; n < ROUNDS; n++) built.push(await untilServed(['start', '--']))
  for (let n = 0; n < ROUNDS; n++) ready.push(await untilServed(['run', 'relay', '--']))
  return [
    { what: 'npm start to served page, building the app', value: median(built), unit: 'ms', beside: `median of ${ROUNDS}` },
    { what: 'npm run relay to served page, the app built', value: median(ready), unit: 'ms', beside: `median of ${ROUNDS}` },
  ]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilServed(words: readonly string[]): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'thicket-bench-')), port = await freePort()
  const start = performance.now()
  // A group of its own: npm's children don't all hear what npm hears.
  const child = spawn('npm', [...words, '--port', String(port), '--data', data], { cwd: ROOT, stdio: 'ignore', detached: true })
  const gone = once(child, 'exit')
  try {
    for (;;) {
      const status = await fetch(`http://127.0.0.1:${port}/`).then(async (answer) => { await answer.arrayBuffer(); return answer.status }, () => 0)
      if (status === 200) return performance.now() - start
      if (child.exitCode !== null || performance.now() - start > GIVE_UP_MS) throw new Error(`npm ${words.join(' ')} did not serve the page`)
      await wait(ASK_EVERY_MS)
    }
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await gone
    rmSync(data, { recursive: true, force: true })
  }
}
