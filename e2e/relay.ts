/** A real relay process on a free port, with its own data folder, serving the built app. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const READY = /Thicket is at (http:\/\/\S+?)\/?(\s|$)/
const MAIN = new URL('../relay/main.ts', import.meta.url).pathname

export class Relay {
  readonly data: string
  url = ''
  private process: ChildProcess | undefined
  private said: string[] = []

  constructor(data: string) { this.data = data }

  /** Starts, or starts again at the same address with the same data. */
  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port
    this.said = []
    const child = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', port, '--data', this.data], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    child.stderr.on('data', (text: Buffer) => this.said.push(text.toString()))
    for await (const line of createInterface({ input: child.stdout })) {
      this.said.push(line)
      const ready = READY.exec(line)?.[1]
      if (!ready) continue
      this.url = ready
      // Left unread, a full pipe would stop the relay in the middle of a test.
      child.stdout.resume()
      return
    }
    throw new Error(`The relay ended before it was ready:\n${this.said.join('\n')}`)
  }

  /** Pulls the plug. */
  async kill(): Promise<void> { await this.end('SIGKILL') }

  async stop(): Promise<void> { await this.end('SIGTERM') }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process
    this.process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}
