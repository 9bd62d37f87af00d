/** The worker's side of the talk with the tabs: numbers them as the host's clients, and shows each new one where things stand. */
import type { Door as VaultDoor } from '../adapters/vault.ts'
import type { ApiError, DoorAnswer, FromWorker, LockInfo, Secret, ToWorker, Update } from '../api.ts'
import type { Tell } from '../engine/input.ts'
import type { Host } from '../host.ts'
import { closedInfo, type Door, wrong } from './door.ts'
import type { Moving } from './moving.ts'
import { tabLock, type HubToTab, type TabToHub } from './tabs.ts'

const LOCKED: ApiError = { code: 'busy', message: 'Thicket is locked on this device. Unlock it first.' }

/** What a new client gets at once; everything else it asks for. */
const STANDING: readonly Update['type'][] = ['me', 'spaces', 'status']

/** Tabs watch windows of what is said: they needn't hear all of it. */
const UNHEARD: readonly Update['type'][] = ['messages', 'states', 'revised']

export interface HubParts {
  readonly term: string
  /** The leading page's own tab. */
  readonly ownTab: string
  readonly toOwn: (message: HubToTab) => void
  readonly toOthers: (message: HubToTab) => void
  readonly locks: Pick<LockManager, 'request'>
  /** Relay for spaces that are made without naming one. */
  readonly relay: string
}

/** Who asked to be let in, to be told how it went. */
interface Knock { readonly tab: string; readonly id: number }

interface Client { readonly tab: string; readonly number: number }

export class Hub {
  private readonly parts: HubParts
  private readonly standing = new Map<Update['type'], Update>()
  private readonly byTab = new Map<string, Client>()
  private readonly byNumber = new Map<number, Client>()
  private last = 0
  private host: Host | undefined
  private failure: ApiError | undefined
  private door: Door | undefined
  private lock: LockInfo | undefined
  /** While the disk is locked: takes what may open it. */
  private knocked: ((secret: Secret) => void) | undefined
  private knock: Knock | undefined
  /** While the disk is brought to a new form: hears what people say to that. */
  private moving: Moving | undefined

  constructor(parts: HubParts) {
    this.parts = parts
  }

  /** From here on commands are answered: before, tabs keep them. */
  open(host: Host, door?: Door): void {
    this.host = host
    this.door = door
    this.moving = undefined
    this.lock = undefined
    this.failure = undefined
    this.answerKnock({ ok: true })
    this.toAll({ type: 'term', term: this.parts.term })
  }

  /** The disk is locked: whoever is at a tab is asked. Asked again when what they said did not open it. */
  unlock(door: VaultDoor): Promise<Secret> {
    this.answerKnock({ ok: false, message: wrong(door.waitUntil > Date.now()) })
    this.tellLock(closedInfo(door))
    this.toAll({ type: 'term', term: this.parts.term })
    return new Promise(resolve => { this.knocked = resolve })
  }

  /** The disk is open, and not of today's form yet. */
  move(moving: Moving): void {
    this.moving = moving
    this.answerKnock({ ok: true })
    this.tellLock(moving.info)
    this.toAll({ type: 'term', term: this.parts.term })
  }

  /** It is being locked: from now on nothing is told or done. */
  close(door: VaultDoor): void {
    this.host = undefined
    this.door = undefined
    this.standing.clear()
    this.tellLock(closedInfo(door))
  }

  tellLock(lock: LockInfo): void {
    this.lock = lock
    this.toAll({ type: 'for-all', term: this.parts.term, message: { type: 'lock', lock } })
  }

  private answerKnock(answer: DoorAnswer): void {
    if (this.knock) this.toTab(this.knock.tab, { type: 'door', id: this.knock.id, answer })
    this.knock = undefined
  }

  /** The engine could not be started, or lost its disk: every command is answered with why. */
  fail(error: ApiError): void {
    this.host = undefined
    this.failure = error
    this.toAll({ type: 'term', term: this.parts.term })
    this.toAll({ type: 'for-all', term: this.parts.term, message: { type: 'update', update: { type: 'notice', error } } })
  }

  tell(tell: Tell): void {
    const { term } = this.parts
    if (this.lock?.type === 'locked') return
    if (tell.type === 'update' && tell.client === undefined) {
      if (UNHEARD.includes(tell.update.type)) return
      if (STANDING.includes(tell.update.type)) this.standing.set(tell.update.type, tell.update)
      this.toAll({ type: 'for-all', term, message: { type: 'update', update: tell.update } })
      return
    }
    const client = tell.client === undefined ? undefined : this.byNumber.get(tell.client)
    if (client) this.toTab(client.tab, tell.type === 'reply' ? { type: 'reply', reply: tell.reply } : { type: 'update', update: tell.update })
  }

  receive(message: TabToHub): void {
    if (!this.host && !this.failure && !this.lock) return
    switch (message.type) {
      case 'hello': this.welcome(message.tab); return
      case 'command': {
        const client = this.byTab.get(message.tab)
        if (!client || message.term !== this.parts.term) return
        this.take(client, message.message)
        return
      }
      default: message satisfies never
    }
  }

  private take(client: Client, message: ToWorker): void {
    switch (message.type) {
      case 'active': this.door?.active(); return
      case 'door': this.takeDoor(client, message); return
      case 'command': {
        const { id, command } = message
        if (this.host) this.host.command(client.number, id, command.type === 'create-space' ? { ...command, relays: command.relays ?? [this.parts.relay] } : command)
        else this.toTab(client.tab, { type: 'reply', reply: { id, ok: false, error: this.failure ?? LOCKED } })
        return
      }
      default: message satisfies never
    }
  }

  private takeDoor({ tab }: Client, { id, ask }: ToWorker & { type: 'door' }): void {
    const answer = (answer: DoorAnswer): void => { this.toTab(tab, { type: 'door', id, answer }) }
    if (this.door) { void this.door.ask(ask).then(answer, () => { answer({ ok: false, message: 'The lock could not be changed. Try again.' }) }); return }
    if (this.moving) { void this.moving.ask(ask).then(answer); return }
    const { knocked } = this
    if (ask.type !== 'unlock' || !knocked) { answer({ ok: false, message: this.failure?.message ?? LOCKED.message }); return }
    this.knocked = undefined
    this.knock = { tab, id }
    knocked(ask.secret)
  }

  private welcome(tab: string): void {
    if (!this.byTab.has(tab)) {
      const client = { tab, number: ++this.last }
      this.byTab.set(tab, client)
      this.byNumber.set(client.number, client)
      // Ours when the tab is gone.
      void this.parts.locks.request(tabLock(tab), () => { this.gone(client) })
    }
    this.to(tab, { type: 'welcome', tab, term: this.parts.term })
    if (this.lock) this.toTab(tab, { type: 'lock', lock: this.lock })
    for (const type of STANDING) {
      const update = this.standing.get(type)
      if (update) this.toTab(tab, { type: 'update', update })
    }
    if (this.failure) this.toTab(tab, { type: 'update', update: { type: 'notice', error: this.failure } })
  }

  private gone(client: Client): void {
    this.byTab.delete(client.tab)
    this.byNumber.delete(client.number)
    this.host?.clientGone(client.number)
  }

  private toTab(tab: string, message: FromWorker): void { this.to(tab, { type: 'for', tab, term: this.parts.term, message }) }

  private to(tab: string, message: HubToTab): void {
    if (tab === this.parts.ownTab) this.parts.toOwn(message)
    else this.parts.toOthers(message)
  }

  private toAll(message: HubToTab): void {
    this.parts.toOwn(message)
    this.parts.toOthers(message)
  }
}
