/** A tab's side of the talk with the worker, whichever tab's worker that is: what the app is given as its ClientPort. */
import type { ApiError, ClientPort, CommandType, FromWorker, ToWorker } from '../api.ts'
import type { HubToTab, TabToHub } from './tabs.ts'

/** Commands that may be asked twice: they only read, or say what shall be, not what shall change. */
const MAY_REPEAT: ReadonlySet<CommandType> = new Set([
  'status', 'list-spaces', 'list-channels', 'list-members', 'list-invites', 'get-messages', 'read-link', 'mark-read', 'set-name', 'rename-space', 'rename-channel', 'join', 'keep-draft', 'get-draft',
])

/** To lock twice, or to unlock what is open, does no harm. */
const mayRepeat = (message: Question): boolean => (message.type === 'door' ? message.ask.type === 'unlock' || message.ask.type === 'lock' : MAY_REPEAT.has(message.command.type))

const LOST = 'The tab that was doing this was closed. Look whether it was done, and try again if not.'

type Question = Exclude<ToWorker, { readonly type: 'active' }>
interface Pending { readonly message: Question; asked: boolean }

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
    if (message.type === 'active') { this.send(message); return }
    const pending = { message, asked: false }
    this.pending.set(message.id, pending)
    this.ask(pending)
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

  /** Not from a worker: this tab has none. */
  notice(error: ApiError): void { this.tell({ type: 'update', update: { type: 'notice', error } }) }

  private enter(term: string): void {
    if (term === this.term) return
    this.term = term
    for (const [id, pending] of [...this.pending]) {
      if (pending.asked && !mayRepeat(pending.message)) {
        this.tell(pending.message.type === 'door' ? { type: 'door', id, answer: { ok: false, message: LOST } } : { type: 'reply', reply: { id, ok: false, error: { code: 'busy', message: LOST } } })
        continue
      }
      pending.asked = false
      this.ask(pending)
    }
  }

  private ask(pending: Pending): void {
    if (this.term === undefined) return
    pending.asked = true
    this.send(pending.message)
  }

  private send(message: ToWorker): void { if (this.term !== undefined) this.say({ type: 'command', tab: this.tab, term: this.term, message }) }

  private tell(message: FromWorker): void {
    // A reply to what isn't pending answers a question of an earlier term, which has been answered already.
    const answered = message.type === 'reply' ? message.reply.id : message.type === 'door' ? message.id : undefined
    if (answered !== undefined && !this.pending.delete(answered)) return
    if (this.receiver) this.receiver(message)
    else this.early.push(message)
  }
}
