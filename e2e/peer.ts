/** A person without a browser: the headless peer, driven over its JSON lines. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from '@playwright/test'
import type { Results } from '../src/api.ts'

const MAIN = new URL('../src/node/main.ts', import.meta.url).pathname

type Answer = { readonly id: number; readonly ok: boolean; readonly error?: { readonly code: string; readonly message: string } } & Record<string, unknown>

export class Peer {
  readonly name: string
  private readonly process: ChildProcessWithoutNullStreams
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private readonly complaints: string[] = []
  private readonly ended: Promise<never>
  private lastId = 0

  constructor(name: string, relay: string, data: string) {
    this.name = name
    this.process = spawn(process.execPath, [MAIN, '--data', data, '--relay', relay, '--name', name])
    this.process.stderr.on('data', (text: Buffer) => this.complaints.push(text.toString()))
    this.ended = once(this.process, 'exit').then(([code]) => { throw new Error(`${this.name}'s peer ended with ${code}: ${this.complaints.join('')}`) })
    // It ends with each test; that is news only to a command that waits.
    this.ended.catch(() => undefined)
    createInterface({ input: this.process.stdout }).on('line', line => {
      const said = JSON.parse(line) as Answer
      this.waiting.get(said.id)?.(said)
      this.waiting.delete(said.id)
    })
  }

  /** Says a command and waits for its answer. Fails with the peer's own words. */
  async ask<T extends keyof Results>(type: T, rest: object = {}): Promise<Results[T]> {
    const id = ++this.lastId
    const answered = new Promise<Answer>(resolve => this.waiting.set(id, resolve))
    this.process.stdin.write(JSON.stringify({ id, type, ...rest }) + '\n')
    const answer = await Promise.race([answered, this.ended])
    if (!answer.ok) throw new Error(`${type}: ${answer.error?.code} ${answer.error?.message}`)
    return answer as unknown as Results[T]
  }

  async join(link: string): Promise<string> { return (await this.ask('join', { link })).space }

  async write(text: string): Promise<void> { await this.ask('send-message', { ...await this.place(), text }) }

  async sees(text: string): Promise<void> {
    await expect.poll(async () => (await this.messages()).map(message => message.text)).toContain(text)
  }

  async messages(): Promise<Results['get-messages']['messages']> {
    return (await this.ask('get-messages', { ...await this.place(), limit: 100 })).messages
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await gone
  }

  /** The first channel of the first space: the stories here need no more. */
  private async place(): Promise<{ space: string; channel: string }> {
    const space = (await this.ask('list-spaces')).spaces[0]?.space
    const channel = (await this.ask('list-channels', { space })).channels[0]?.channel
    if (!space || !channel) throw new Error(`${this.name} is in no space yet`)
    return { space, channel }
  }
}
