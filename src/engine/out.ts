/** Collects what one step asks of the world, in order. One per step; handed down as part of the turn. */
import type { Reply, Result, Update, ApiError } from '../api.ts'
import type { Save } from '../ports.ts'
import type { Read, Send, Step, Tell, Wake } from './input.ts'

/** Who asked, so that the answer finds its way. */
export interface Asker { readonly client: number; readonly id: number }

export class Out {
  readonly saves: Save[] = []
  readonly reads: Read[] = []
  readonly sends: Send[] = []
  readonly wakes: Wake[] = []
  readonly tells: Tell[] = []

  put(partition: string, key: Uint8Array, value: Uint8Array): void { this.saves.push({ type: 'put', partition, key, value }) }
  delete(partition: string, key: Uint8Array): void { this.saves.push({ type: 'delete', partition, key }) }
  read(read: Read): void { this.reads.push(read) }
  send(send: Send): void { this.sends.push(send) }
  wake(tag: string, at: number): void { this.wakes.push({ tag, at }) }
  update(update: Update): void { this.tells.push({ type: 'update', update }) }
  reply(to: Asker, result: Result): void { this.tells.push({ type: 'reply', client: to.client, reply: { id: to.id, ok: true, result } as Reply }) }
  refuse(to: Asker, error: ApiError): void { this.tells.push({ type: 'reply', client: to.client, reply: { id: to.id, ok: false, error } }) }

  step(): Step { return { saves: this.saves, reads: this.reads, sends: this.sends, wakes: this.wakes, tells: this.tells } }
}
