/** One headless peer: the host loop with a line of JSON for its client. main.ts gives it the real world, its test a scripted one. */
import type { ApiError, Reply, Update } from '../api.ts'
import type { Tell } from '../engine/input.ts'
import { type Host, type HostParts, startHost } from '../host.ts'
import { type Line, LineCutter, type LineId, readLine, writeError, writeReply, writeUpdate } from './line.ts'

/** The client number of the line; the peer's own commands have the other. */
const LINE = 1
const SELF = 0

export interface PeerOptions {
  readonly parts: Omit<HostParts, 'tell'>
  readonly name: string
  /** Where new spaces keep their mail when create-space names no relay. */
  readonly relays: readonly string[]
  /** Takes one line, without its end. Updates may be dropped when the reader is far behind; replies may not. */
  readonly write: (line: string, kind: 'reply' | 'update') => void
}

export interface Peer {
  /** Resolves when this device has an identity and its name; rejects with a sentence when the name is refused or nothing can be saved. */
  readonly ready: Promise<void>
  /** Takes bytes of the line. */
  read(chunk: Uint8Array): void
  /** No more bytes will come: does what was asked, then stops. */
  end(): void
  /** Stops after the running step. */
  stop(): Promise<void>
  /** Resolves after stop, whoever asked for it. */
  readonly stopped: Promise<void>
}

export function startPeer(options: PeerOptions): Peer { return new LinePeer(options) }

class LinePeer implements Peer {
  readonly ready: Promise<void>
  readonly stopped: Promise<void>
  private readonly options: PeerOptions
  private readonly host: Host
  private readonly cutter = new LineCutter()
  private readonly asked = new Map<number, LineId>()
  private nextId = 1
  private readonly stopAsked: LineId[] = []
  private stopping: Promise<void> | undefined
  private tellStopped: () => void = () => {}
  private settleReady: { readonly done: () => void; readonly failed: (error: Error) => void } | undefined
  /** As the engine last said. */
  private name: string | undefined

  constructor(options: PeerOptions) {
    this.options = options
    this.stopped = new Promise((resolve) => { this.tellStopped = resolve })
    this.ready = new Promise((resolve, reject) => { this.settleReady = { done: resolve, failed: reject } })
    this.host = startHost({ ...options.parts, tell: (tell) => this.tell(tell) })
    this.host.command(SELF, 0, { type: 'set-up', name: options.name })
  }

  read(chunk: Uint8Array): void { for (const line of this.cutter.push(chunk)) this.take(readLine(line)) }

  end(): void {
    for (const line of this.cutter.end()) this.take(readLine(line))
    void this.finishAsked()
  }

  stop(): Promise<void> {
    this.stopping ??= this.finish()
    return this.stopping
  }

  /** What stood on the line before its end is done first: commands may come from a file. */
  private async finishAsked(): Promise<void> {
    await this.host.idle()
    await this.stop()
  }

  private async finish(): Promise<void> {
    try { await this.host.stop() } finally {
      for (const id of this.stopAsked) this.options.write(JSON.stringify({ id, ok: true }), 'reply')
      this.settleReady?.done()
      this.tellStopped()
    }
  }

  private take(line: Line | undefined): void {
    if (line === undefined) return
    switch (line.type) {
      case 'bad': return this.options.write(writeError(line.id, line.error), 'reply')
      case 'stop':
        this.stopAsked.push(line.id)
        return void this.finishAsked()
      case 'command': {
        const id = this.nextId++
        this.asked.set(id, line.id)
        const command = line.command.type === 'create-space' ? { relays: this.options.relays, ...line.command } : line.command
        this.host.command(LINE, id, command)
      }
    }
  }

  private tell(tell: Tell): void {
    if (tell.type === 'update') return this.update(tell.update)
    if (tell.client === SELF) return this.setUp(tell.reply)
    const id = this.asked.get(tell.reply.id)
    if (id === undefined) return
    this.asked.delete(tell.reply.id)
    this.options.write(writeReply(id, tell.reply), 'reply')
  }

  private update(update: Update): void {
    if (update.type === 'me') this.name = update.me?.name
    this.options.write(writeUpdate(update), 'update')
  }

  /** The answers to set-up and, on a later start with another --name, to set-name. */
  private setUp(reply: Reply): void {
    if (reply.ok || this.stopping !== undefined) return this.settleReady?.done()
    if (reply.error.code !== 'already-set-up') return this.settleReady?.failed(new PeerRefused(reply.error))
    if (this.name === this.options.name.trim()) return this.settleReady?.done()
    this.host.command(SELF, 1, { type: 'set-name', name: this.options.name })
  }
}

/** The engine would not have this name, or the disk not this engine. */
export class PeerRefused extends Error {
  readonly code: ApiError['code']
  constructor(error: ApiError) { super(error.message); this.name = 'PeerRefused'; this.code = error.code }
}
