/** The worker's side of the talk with the tabs: numbers them as the host's clients, and shows each new one where things stand. */
import type { ApiError, FromWorker, Update } from '../api.ts'
import type { Tell } from '../engine/input.ts'
import type { Host } from '../host.ts'
import { tabLock, type HubToTab, type TabToHub } from './tabs.ts'

/** What a new client gets at once; everything else it asks for. */
const STANDING: readonly Update['type'][] = ['me', 'spaces', 'status']

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

interface Client { readonly tab: string; readonly number: number }

export class Hub {
  private readonly parts: HubParts
  private readonly standing = new Map<Update['type'], Update>()
  private readonly byTab = new Map<string, Client>()
  private readonly byNumber = new Map<number, Client>()
  private last = 0
  private host: Host | undefined
  private failure: ApiError | undefined

  constructor(parts: HubParts) {
    this.parts = parts
  }

  /** From here on commands are answered: before, tabs keep them. */
  open(host: Host): void {
    this.host = host
    this.failure = undefined
    this.toAll({ type: 'term', term: this.parts.term })
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
    if (tell.type === 'update') {
      if (STANDING.includes(tell.update.type)) this.standing.set(tell.update.type, tell.update)
      this.toAll({ type: 'for-all', term, message: tell })
      return
    }
    const client = this.byNumber.get(tell.client)
    if (client) this.toTab(client.tab, { type: 'reply', reply: tell.reply })
  }

  receive(message: TabToHub): void {
    if (!this.host && !this.failure) return
    switch (message.type) {
      case 'hello': this.welcome(message.tab); return
      case 'command': {
        const client = this.byTab.get(message.tab)
        if (!client || message.term !== this.parts.term) return
        const { id, command } = message.message
        if (!this.host) {
          if (this.failure) this.toTab(client.tab, { type: 'reply', reply: { id, ok: false, error: this.failure } })
          return
        }
        this.host.command(client.number, id, command.type === 'create-space' ? { ...command, relays: command.relays ?? [this.parts.relay] } : command)
        return
      }
      default: message satisfies never
    }
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
