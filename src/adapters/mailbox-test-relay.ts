/** A real relay in a process of its own, on a free port, which keeps its address and its data when it starts again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '../../relay/main.ts')

export class TestRelay {
  data = mkdtempSync(join(tmpdir(), 'thicket-relay-'))
  url = ''
  private child: ChildProcess | undefined

  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port
    const child = spawn(process.execPath, [MAIN, '--port', port, '--data', this.data], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    let complaints = ''
    child.stderr.on('data', (chunk: Buffer) => { complaints += chunk.toString() })
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^Thicket is at (\S+)\/$/.exec(line)?.[1]
      if (found === undefined) continue
      this.url = found.replace('localhost', '127.0.0.1')
      child.stdout.resume()
      return
    }
    throw new Error(`the relay did not start: ${complaints}`)
  }

  kill(): Promise<void> { return this.end('SIGKILL') }
  stop(): Promise<void> { return this.end('SIGTERM') }

  /** Its disk died: the same relay, with its keys, and nothing of what it kept. */
  forget(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(this.data, `mailbox.sqlite${suffix}`), { force: true })
  }

  /** Another relay at the same address. */
  replace(): void {
    rmSync(this.data, { recursive: true, force: true })
    this.data = mkdtempSync(join(tmpdir(), 'thicket-relay-'))
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.data, { recursive: true, force: true })
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this
    this.child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}
