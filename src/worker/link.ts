/** A tab's side of the talk with the worker, whichever tab's worker that is: what the app is given as its ClientPort. */
import type { ClientPort, Command, CommandType, FromWorker, ToWorker } from '../api.ts'
import type { HubToTab, TabToHub } from './tabs.ts'

/** Commands that may be asked twice: they only read, or say what shall be, not what shall change. */
const MAY_REPEAT: ReadonlySet<CommandType> = new Set([
  'status', 'list-spaces', 'list-channels', 'list-members', 'list-invites', 'get-messages', 'read-link', 'mark-read', 'set-name', 'rename-space', 'rename-channel', 'join', 'keep-draft', 'get-draft',
])

const LOST = 'The tab that was doing this was closed. Look whether it was done, and try again if not.'

interface Pending { readonly command: Command; asked: boolean }

export class TabLink implements ClientPort {
  readonly tab: string
  private readonly say: (message: TabToHub) => void
  private receiver: ((message: FromWorker) => void) | undefined
  /** What came before the app listened. */
  private early: FromWorker[] = []
  private readonly pending = new Map<number, Pending>()
  private term: string | undefined

  constructor(tab: string, say: (message: TabToHub) => void) {
    this.tab = tab
    this.say = say
  }

  post(message: ToWorker): void {
    const pending = { command: message.command, asked: false }
    this.pending.set(message.id, pending)
    this.ask(message.id, pending)
  }

  listen(receive: (message: FromWorker) => void): void {
    this.receiver = receive
    for (const message of this.early.splice(0)) receive(message)
  }

  /** Asks whoever leads to take us as a client. */
  greet(): void { this.say({ type: 'hello', tab: this.tab }) }

  /** This tab goes to sleep: what it asked, it will have to ask again. */
  leave(): void { this.term = undefined }

  hear(message: HubToTab): void {
    switch (message.type) {
      case 'term': if (message.term !== this.term) this.greet(); return
      case 'welcome': if (message.tab === this.tab) this.enter(message.term); return
      case 'for': if (message.tab === this.tab && message.term === this.term) this.tell(message.message); return
      // Before the welcome these would be half a picture.
      case 'for-all': if (message.term === this.term) this.tell(message.message); return
      default: message satisfies never
    }
  }

  private enter(term: string): void {
    if (term === this.term) return
    this.term = term
    for (const [id, pending] of [...this.pending]) {
      if (pending.asked && !MAY_REPEAT.has(pending.command.type)) {
        this.tell({ type: 'reply', reply: { id, ok: false, error: { code: 'busy', message: LOST } } })
        continue
      }
      pending.asked = false
      this.ask(id, pending)
    }
  }

  private ask(id: number, pending: Pending): void {
    if (this.term === undefined) return
    pending.asked = true
    this.say({ type: 'command', tab: this.tab, term: this.term, message: { type: 'command', id, command: pending.command } })
  }

  private tell(message: FromWorker): void {
    // A reply to what isn't pending answers a question of an earlier term, which has been answered already.
    if (message.type === 'reply' && !this.pending.delete(message.reply.id)) return
    if (this.receiver) this.receiver(message)
    else this.early.push(message)
  }
}
