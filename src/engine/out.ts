/** Collects what one step asks of the world, in order. One per step; handed down as part of the turn. */
import type { Reply, Result, Update, ApiError } from '../api.ts'
import type { Row, Save } from '../ports.ts'
import type { Read, Send, Step, Tell, Wake } from './input.ts'

/** Who asked, so that the answer finds its way. */
export interface Asker { readonly client: number; readonly id: number }

export class Out {
  private readonly saved: Save[] = []
  /** What a step writes again and again, such as where a chain ends: only the last of it is worth encoding and saving. */
  private readonly last = new Map<string, Map<string, () => Row>>()
  readonly reads: Read[] = []
  readonly sends: Send[] = []
  readonly wakes: Wake[] = []
  readonly tells: Tell[] = []

  /** What is to be kept elsewhere once this step is saved. */
  tally: Uint8Array | undefined
  /** Own ops are among what is saved. */
  hasSigned = false

  private isFinal = false

  /** The engine that runs now is of no more use once this step is done: another one starts from the disk. */
  startAgain(): void { this.isFinal = true }
  get startsAgain(): boolean { return this.isFinal }

  put(partition: string, key: Uint8Array, value: Uint8Array): void { this.saved.push({ type: 'put', partition, key, value }) }
  delete(partition: string, key: Uint8Array): void { this.saved.push({ type: 'delete', partition, key }) }
  save(save: Save): void { if (save.type === 'drop') this.drop(save.partition); else this.saved.push(save) }
  drop(partition: string): void {
    this.saved.push({ type: 'drop', partition })
    this.last.delete(partition)
  }
  /** As `put`, for a row that this step may write again. `name`: its own in this partition, where nothing else writes it. */
  putLast(partition: string, name: string, row: () => Row): void {
    const rows = this.last.get(partition)
    if (rows === undefined) this.last.set(partition, new Map([[name, row]])); else rows.set(name, row)
  }

  /** All that is to be saved so far. */
  get saves(): readonly Save[] { return [...this.saved, ...[...this.last].flatMap(([partition, rows]) => [...rows.values()].map((row): Save => ({ type: 'put', partition, ...row() })))] }

  read(read: Read): void { this.reads.push(read) }
  send(send: Send): void { this.sends.push(send) }
  wake(tag: string, at: number): void { this.wakes.push({ tag, at }) }
  update(update: Update): void { this.tells.push({ type: 'update', update }) }
  updateFor(client: number, update: Update): void { this.tells.push({ type: 'update', client, update }) }
  reply(to: Asker, result: Result): void { this.tells.push({ type: 'reply', client: to.client, reply: { id: to.id, ok: true, result } as Reply }) }
  refuse(to: Asker, error: ApiError): void { this.tells.push({ type: 'reply', client: to.client, reply: { id: to.id, ok: false, error } }) }

  step(): Step { return { saves: this.saves, reads: this.reads, sends: this.sends, wakes: this.wakes, tells: this.tells, ...(this.tally === undefined ? {} : { tally: this.tally }), ...(this.isFinal ? { startAgain: true } : {}) } }
}
