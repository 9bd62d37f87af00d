import { afterEach, expect, test } from 'vitest'
import type { Command, FromWorker, Reply } from '../api.ts'
import type { Host } from '../host.ts'
import { Hub } from './hub.ts'
import { holdLock, Leadership } from './leader.ts'
import { TabLink } from './link.ts'
import { tabLock, type HubToTab, type TabToHub } from './tabs.ts'

// Node has the browser's locks, so nothing of them is made up here.
const { locks } = navigator

/** An engine's host that notes what it is asked and answers when told to. */
class NotedHost implements Host {
  readonly asked: { client: number; id: number; command: Command }[] = []
  readonly gone: number[] = []
  private readonly waiting: (() => void)[] = []
  command(client: number, id: number, command: Command): void { this.asked.push({ client, id, command }) }
  clientGone(client: number): void {
    this.gone.push(client)
    for (const wake of this.waiting.splice(0)) wake()
  }
  async someoneGone(): Promise<void> { if (this.gone.length === 0) await new Promise<void>(resolve => { this.waiting.push(resolve) }) }
  readonly isBusy = false
  async idle(): Promise<void> {}
  async stop(): Promise<void> {}
}

/** A profile's tabs and, at any time, one worker. */
class Profile {
  readonly tabs: Tab[] = []
  hub: Hub | undefined

  lead(own: Tab, term: string): NotedHost {
    const to = (message: HubToTab): void => { for (const tab of this.tabs) tab.link.hear(message) }
    const host = new NotedHost()
    this.hub = new Hub({
      term, ownTab: own.link.tab, locks, relay: 'https://relay.example',
      toOwn: message => { own.link.hear(message) },
      toOthers: message => { if (message.type === 'term' || message.type === 'for-all') { for (const tab of this.tabs) if (tab !== own) tab.link.hear(message) } else to(message) },
    })
    this.hub.open(host)
    return host
  }

  open(name: string): Tab {
    const tab = new Tab(name, message => { this.hub?.receive(message) })
    this.tabs.push(tab)
    return tab
  }
}

class Tab {
  readonly link: TabLink
  readonly heard: FromWorker[] = []
  readonly close: () => void

  constructor(name: string, say: (message: TabToHub) => void) {
    this.link = new TabLink(name, say)
    this.link.listen(message => { this.heard.push(message) })
    this.close = holdLock(locks, tabLock(name), () => { this.link.greet() })
    closing.push(this.close)
  }

  ask(id: number, command: Command): void { this.link.post({ type: 'command', id, command }) }
  replies(): Reply[] { return this.heard.flatMap(message => message.type === 'reply' ? [message.reply] : []) }
  updates(): string[] { return this.heard.flatMap(message => message.type === 'update' ? [message.update.type] : []) }
}

const closing: (() => void)[] = []
afterEach(() => { for (const close of closing.splice(0)) close() })

const me = { type: 'me', me: undefined } as const
const status = { type: 'status', status: { peers: [], relays: [], queued: 0, muted: [] } } as const

test('a second tab sees where things stand, and gets its own replies and no others', () => {
  const profile = new Profile(), first = profile.open('first')
  const host = profile.lead(first, 'term 1')
  profile.hub?.tell({ type: 'update', update: me })
  profile.hub?.tell({ type: 'update', update: status })
  const second = profile.open('second')
  second.link.greet()
  expect(second.updates()).toEqual(['me', 'status'])

  first.ask(1, { type: 'list-spaces' })
  second.ask(1, { type: 'status' })
  const [a, b] = host.asked
  expect([a?.command.type, b?.command.type, a?.client === b?.client]).toEqual(['list-spaces', 'status', false])
  profile.hub?.tell({ type: 'reply', client: b?.client ?? 0, reply: { id: 1, ok: true, result: status.status } })
  expect([first.replies().length, second.replies().length]).toEqual([0, 1])
})

test('once it is locked no tab is told anything more, and one that is opened then sees the door and nothing behind it', () => {
  const profile = new Profile(), first = profile.open('first')
  const host = profile.lead(first, 'term 1')
  profile.hub?.tell({ type: 'update', update: me })
  profile.hub?.close({ ways: [{ type: 'passphrase' }], failed: 0, waitUntil: 0 })
  // The engine ends its step.
  profile.hub?.tell({ type: 'update', update: status })
  const second = profile.open('second')
  second.link.greet()
  for (const tab of [first, second]) expect(tab.heard.filter((message) => message.type === 'lock')).toHaveLength(1)
  expect([first.updates(), second.updates()]).toEqual([['me'], []])
  second.ask(1, { type: 'list-spaces' })
  expect(second.replies()).toMatchObject([{ ok: false, error: { code: 'busy' } }])
  expect(host.asked).toEqual([])
})

test('commands from before anybody leads wait, in order', () => {
  const profile = new Profile(), tab = profile.open('early')
  tab.ask(1, { type: 'set-up', name: 'Alice' })
  tab.ask(2, { type: 'list-spaces' })
  const host = profile.lead(tab, 'term 1')
  expect(host.asked.map(({ id }) => id)).toEqual([1, 2])
})

test('the leader goes: what only reads is asked again, what changes things is answered with busy, and nothing stays open', () => {
  const profile = new Profile(), first = profile.open('leader'), second = profile.open('stays')
  const space = 'ab'.repeat(32) as never, channel = 'cd'.repeat(16) as never
  profile.lead(first, 'term 1')
  second.ask(1, { type: 'get-messages', space, channel })
  second.ask(2, { type: 'send-message', space, channel, text: 'hello' })
  first.close()

  const host = profile.lead(second, 'term 2')
  expect(host.asked.map(({ id }) => id)).toEqual([1])
  expect(second.replies()).toMatchObject([{ id: 2, ok: false, error: { code: 'busy' } }])
  profile.hub?.tell({ type: 'update', update: me })
  expect(second.updates()).toEqual(['me'])
})

test('words of an earlier term are not taken for answers', () => {
  const profile = new Profile(), tab = profile.open('tab')
  profile.lead(tab, 'term 2')
  tab.ask(7, { type: 'status' })
  tab.link.hear({ type: 'for', tab: 'tab', term: 'term 1', message: { type: 'reply', reply: { id: 7, ok: true, result: status.status } } })
  tab.link.hear({ type: 'for-all', term: 'term 1', message: { type: 'update', update: me } })
  expect(tab.heard).toEqual([])
})

test('a tab that closes in whatever way is a client that is gone', async () => {
  const profile = new Profile(), first = profile.open('lives'), second = profile.open('dies')
  const host = profile.lead(first, 'term 1')
  second.ask(1, { type: 'status' })
  second.close()
  await host.someoneGone()
  expect(host.gone).toEqual([host.asked[0]?.client])
})

test('spaces that name no relay are made at the one the app comes from', () => {
  const profile = new Profile(), tab = profile.open('maker')
  const host = profile.lead(tab, 'term 1')
  tab.ask(1, { type: 'create-space', name: 'Garden' })
  tab.ask(2, { type: 'create-space', name: 'Cellar', relays: ['https://other.example'] })
  expect(host.asked.map(({ command }) => command)).toMatchObject([{ relays: ['https://relay.example'] }, { relays: ['https://other.example'] }])
})

test('an engine that could not start says why to everybody, and answers everything', () => {
  const profile = new Profile(), tab = profile.open('unlucky')
  tab.ask(1, { type: 'status' })
  profile.lead(tab, 'term 1')
  const error = { code: 'disk-failed', message: 'Close the other tab.' } as const
  profile.hub?.fail(error)
  tab.ask(2, { type: 'list-spaces' })
  expect(tab.updates()).toContain('notice')
  expect(tab.replies()).toEqual([{ id: 2, ok: false, error }])
})

test('one leads; when it resigns the next does; who resigned while waiting never does', async () => {
  const order: string[] = []
  const started = new Map<string, () => void>()
  const leader = (name: string): Leadership => new Leadership({ locks, lead: () => { order.push(`${name} leads`); started.get(name)?.(); return () => { order.push(`${name} stops`) } } })
  const leads = (name: string): Promise<void> => new Promise(resolve => { started.set(name, resolve) })
  const alice = leader('first'), bob = leader('second'), carol = leader('third')
  const first = leads('first'), third = leads('third')
  alice.stand()
  bob.stand()
  carol.stand()
  await first
  bob.resign()
  alice.resign()
  await third
  expect(order).toEqual(['first leads', 'first stops', 'third leads'])
  expect([alice.leads, bob.leads, carol.leads]).toEqual([false, false, true])
  carol.resign()
})
