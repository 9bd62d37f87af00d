/** Alice's page against an engine that says what the story needs. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ApiError, ChannelInfo, ClientPort, Command, CommandType, FromWorker, MessageInfo, Results, SpaceInfo, ToWorker, Update } from '../api.ts'
import type { RoleInfo } from '../api/authority.ts'
import { Client } from './client.svelte.ts'
import { ALICE, BOB, channelId, fromAlice, fromBob, GARDEN, NOON, opId, pageOf, spaceId } from './messages.test-support.ts'
import { rowsOf } from './parts/rows.ts'
import { EVERYONE } from '../wire/authority.ts'
import { parseDeviceId } from '../wire/ids.ts'

const ALLOTMENT = spaceId('allotment')
const VILLAGE = spaceId('village')
const SHED = channelId('shed')
const BUSY: ApiError = { code: 'busy', message: 'Busy.' }

/** Hears what the page asks, and answers when told to. */
type Asked = ToWorker & { readonly type: 'command' }

class FakePort implements ClientPort {
  readonly asked: Asked[] = []
  private receive: (message: FromWorker) => void = () => undefined

  post(message: ToWorker): void { if (message.type === 'command') this.asked.push(message) }
  listen(receive: (message: FromWorker) => void): void { this.receive = receive }
  tell(update: Update): void { this.receive({ type: 'update', update }) }

  /** The oldest command of this type that nobody has answered, which now counts as answered. */
  private take(type: CommandType): Asked {
    const at = this.asked.findIndex((m) => m.command.type === type)
    const [message] = at < 0 ? [] : this.asked.splice(at, 1)
    if (message === undefined) throw new Error(`Nobody asked for ${type}; open: ${this.open.join(', ')}`)
    return message
  }

  async answer<T extends CommandType>(type: T, result: Results[T]): Promise<Command> {
    const { id, command } = this.take(type)
    this.receive({ type: 'reply', reply: { id, ok: true, result } })
    await settled()
    return command
  }

  async refuse(type: CommandType, error: ApiError): Promise<void> {
    this.receive({ type: 'reply', reply: { id: this.take(type).id, ok: false, error } })
    await settled()
  }

  /** Windows by what they show, as the page asked last, with what it was told of them. */
  private readonly windows = new Map<string, { readonly window: number; messages: readonly MessageInfo[] }>()

  /** Answers who watches a channel or a thread. */
  async show(messages: readonly MessageInfo[], more = false): Promise<Command> {
    const { id, command } = this.take('watch-messages')
    if (command.type !== 'watch-messages' || command.question.type !== 'get-messages') throw new Error('No line is asked for')
    const { channel, thread, limit } = command.question
    if (limit !== 1) this.windows.set(thread ?? channel, { window: command.window, messages })
    this.receive({ type: 'reply', reply: { id, ok: true, result: pageOf(messages, more) } })
    await settled()
    return command
  }

  /** What the engine says of it to who watches it. */
  news(place: string, ...told: readonly MessageInfo[]): void {
    const one = this.windows.get(place)
    if (one === undefined) return
    const replaced = told.map((m) => m.replaces), kept = one.messages.filter((m) => !replaced.includes(m.id) && !told.some((other) => other.id === m.id))
    const gone = one.messages.filter((m) => replaced.includes(m.id)).map((m) => m.id)
    one.messages = [...kept, ...told].sort((a, b) => a.order - b.order)
    this.tell({ type: 'window', window: one.window, gone, rows: told.map((message) => ({ message, at: one.messages.indexOf(message) })), more: false, newer: false })
  }

  get open(): CommandType[] { return this.asked.map((m) => m.command.type) }
}

/** All that follows from an answer without time passing. */
async function settled(): Promise<void> { for (let i = 0; i < 10; i++) await Promise.resolve() }

const channel = (id: typeof GARDEN, name: string, unread = 0): ChannelInfo => ({ channel: id, name, topic: '', kind: 'text', category: undefined, may: [], unread, mentions: 0, keeps: undefined, slowMs: 0, nextAt: 0, private: false, readers: undefined, history: undefined, state: 'readable' })
const space = (id: typeof ALLOTMENT, more: Partial<SpaceInfo> = {}): SpaceInfo => ({ space: id, kind: 'space', name: 'Allotment', state: 'member', role: 'owner', relays: [], unread: 0, mentions: 0, history: 'all', may: [], timedOutUntil: 0, keeps: { afterMs: 0, maxBytes: 0 }, lastAt: 0, ...more })
const device = parseDeviceId('0'.repeat(64))

let port: FakePort
let client: Client

function hello(...spaces: readonly SpaceInfo[]): void {
  if (device === undefined) throw new Error('Not an id')
  port.tell({ type: 'me', me: { ...ALICE, device, hasPhrase: true, stuck: false, profile: { about: '', emoji: '', colour: 0 } } })
  port.tell({ type: 'spaces', spaces })
}

/** The app open in the garden channel of Alice's allotment. */
async function inTheGarden(messages: readonly MessageInfo[] = [], unread = 0): Promise<void> {
  hello(space(ALLOTMENT))
  await port.answer('list-channels', { channels: [channel(GARDEN, 'garden', unread), channel(SHED, 'shed')], categories: [] })
  await port.answer('list-roles', { roles: [] })
  await port.answer('list-members', { members: [] })
  await port.show(messages)
}

const shown = (): string[] => rowsOf(client.view, ALICE).flatMap((row) => (row.type === 'message' ? [`${row.text} (${row.state.type})`] : []))
const news = (...messages: readonly MessageInfo[]): void => { port.news(GARDEN, ...messages) }

beforeEach(() => {
  vi.useFakeTimers({ now: NOON })
  port = new FakePort()
  client = new Client(port)
})
afterEach(() => { vi.useRealTimers() })

test('where something was said last comes first among conversations, and comes up when more is said', () => {
  const dm = (id: typeof ALLOTMENT, lastAt: number): SpaceInfo => space(id, { kind: 'dm', lastAt })
  hello(space(spaceId('place')), dm(ALLOTMENT, 1), dm(VILLAGE, 2))
  expect(client.conversations.map((one) => one.space)).toEqual([VILLAGE, ALLOTMENT])
  port.tell({ type: 'spaces', spaces: [dm(ALLOTMENT, 3), dm(VILLAGE, 2)] })
  expect(client.conversations.map((one) => one.space)).toEqual([ALLOTMENT, VILLAGE])
})

test('who starts for the first time is told apart from who has not been heard of', () => {
  expect(client.me).toBeUndefined()
  port.tell({ type: 'me', me: undefined })
  expect([client.me, client.isEmptied]).toEqual([null, false])
  port.tell({ type: 'me', me: undefined, isEmptied: true })
  expect(client.isEmptied).toBe(true)
})

test('how far a check of the disk is can be shown', () => {
  port.tell({ type: 'storage', done: 3, all: 12 })
  expect(client.longWork).toBe(0.25)
  port.tell({ type: 'storage', done: 0, all: 0, damaged: 0 })
  expect(client.longWork).toBe(1)
})

test('the first space and its first channel open by themselves', async () => {
  await inTheGarden([fromBob('hi', 1)])
  expect(client.currentSpace?.name).toBe('Allotment')
  expect(client.currentChannel?.name).toBe('garden')
  expect(shown()).toEqual(['hi (received)'])
})

test('a message is on the screen before the engine has heard of it, and stays one row', async () => {
  await inTheGarden()
  void client.send('tea?')
  expect(shown()).toEqual(['tea? (saving)'])
  const row = fromAlice('tea?', 0)
  await port.answer('send-message', { messageId: row.id })
  expect(shown()).toEqual(['tea? (saving)'])
  news(row)
  expect(shown()).toEqual(['tea? (queued)'])
  news({ ...row, state: { type: 'relay' } })
  expect(shown()).toEqual(['tea? (relay)'])
})

test('a message that waited for the group’s key is the same row when it is sealed', async () => {
  await inTheGarden()
  void client.send('tea?')
  await port.answer('send-message', { messageId: opId('draft') })
  news(fromAlice('tea?', 0, { id: opId('draft'), state: { type: 'securing' } }))
  expect(shown()).toEqual(['tea? (securing)'])
  const [key] = rowsOf(client.view, ALICE).flatMap((row) => (row.type === 'message' ? [row.key] : []))
  news(fromAlice('tea?', 0, { replaces: opId('draft') }))
  expect(shown()).toEqual(['tea? (queued)'])
  expect(rowsOf(client.view, ALICE).some((row) => row.key === key)).toBe(true)
})

test('a refused message stays with its reason, can be tried again, or discarded', async () => {
  await inTheGarden()
  void client.send('tea?')
  await port.refuse('send-message', { code: 'disk-full', message: 'The disk is full.' })
  expect(shown()).toEqual(['tea? (refused)'])
  const [pending] = client.view.pending
  client.resend(pending?.key ?? 0)
  expect(shown()).toEqual(['tea? (saving)'])
  await port.refuse('send-message', { code: 'disk-full', message: 'The disk is full.' })
  client.discard(client.view.pending[0]?.key ?? 0)
  expect(shown()).toEqual([])
})

test('the leading tab closes while a message is on its way: it is looked for before it is said again', async () => {
  await inTheGarden()
  void client.send('tea?')
  await port.refuse('send-message', BUSY)
  await vi.advanceTimersByTimeAsync(500)
  // The next tab's engine has the message: it was saved before the answer got lost.
  await port.answer('get-messages', { messages: [fromAlice('tea?', 0)], more: false, newer: false })
  expect(port.open).not.toContain('send-message')
  expect(shown()).toEqual(['tea? (queued)'])
})

test('the leading tab closes before it saved anything: the message is given to the next', async () => {
  await inTheGarden()
  void client.send('tea?')
  await port.refuse('send-message', BUSY)
  await vi.advanceTimersByTimeAsync(500)
  // No engine yet: neither yes nor no, so nothing is said again.
  await port.refuse('get-messages', BUSY)
  expect(port.open).toEqual([])
  await vi.advanceTimersByTimeAsync(500)
  await port.answer('get-messages', { messages: [], more: false, newer: false })
  const command = await port.answer('send-message', { messageId: opId('tea?') })
  expect(command).toMatchObject({ type: 'send-message', text: 'tea?', channel: GARDEN })
  news(fromAlice('tea?', 0))
  expect(shown()).toEqual(['tea? (queued)'])
})

test('an engine that stays away ends in a refusal, not in waiting for ever', async () => {
  await inTheGarden()
  void client.send('tea?')
  await port.refuse('send-message', BUSY)
  for (let tries = 0; client.view.pending[0]?.refusal === undefined && tries < 100; tries++) {
    await vi.advanceTimersByTimeAsync(500)
    await port.refuse('get-messages', BUSY)
  }
  expect(shown()).toEqual(['tea? (refused)'])
})

test('a channel that was opened before is there at once, as the engine says it is now; one that was left far back is asked for again', async () => {
  await inTheGarden([fromBob('a', 1)])
  client.openChannel(SHED)
  expect(shown()).toEqual([])
  await port.show([fromBob('psst', 1, { channel: SHED })])
  news(fromBob('b', 2))
  client.openChannel(GARDEN)
  expect(shown()).toEqual(['a (received)', 'b (received)'])
  expect(port.open).not.toContain('watch-messages')
  void client.show({ id: opId('far'), order: 17 })
  expect(await port.answer('watch-messages', pageOf([fromBob('far', 0)], true, true)), 'where it stands is known').toMatchObject({ question: { around: opId('far'), order: 17 } })
  expect(shown()).toEqual(['far (received)'])
  client.openChannel(SHED)
  expect(port.open).toContain('close-window')
  client.openChannel(GARDEN)
  await port.show([fromBob('b', 2)])
  expect(shown()).toEqual(['b (received)'])
})

test('who looks at the end has read what comes; who doesn’t finds a line above it', async () => {
  await inTheGarden([fromBob('a', 1)], 1)
  expect(client.view.divider?.at).toBe(opId('a'))
  client.watch(true)
  expect(await port.answer('mark-read', {})).toMatchObject({ channel: GARDEN, message: opId('a') })
  port.tell({ type: 'channels', space: ALLOTMENT, channels: [channel(GARDEN, 'garden')], categories: [] })
  news(fromBob('b', 2))
  expect(client.view.divider).toEqual({ at: opId('a'), isSeen: true })
  client.watch(false)
  news(fromBob('c', 3))
  expect(client.view.divider).toEqual({ at: opId('c'), isSeen: false })
})

test('older messages are asked for once, and come as a change', async () => {
  await inTheGarden([fromBob('b', 2)])
  port.tell({ type: 'window', window: 1, gone: [], rows: [], more: true, newer: false })
  void client.loadOlder()
  void client.loadOlder()
  expect(port.open.filter((type) => type === 'grow-window')).toHaveLength(1)
  news(fromBob('a', 1))
  expect(await port.answer('grow-window', {})).toMatchObject({ to: 'older' })
  expect([shown(), client.view.older]).toEqual([['a (received)', 'b (received)'], 'none'])
})

test('each space opens where it was left', async () => {
  await inTheGarden()
  port.tell({ type: 'spaces', spaces: [space(ALLOTMENT), space(VILLAGE, { name: 'Village' })] })
  client.openChannel(SHED)
  client.openSpace(VILLAGE)
  expect(client.currentChannel).toBeUndefined()
  client.openSpace(ALLOTMENT)
  expect(client.channel).toBe(SHED)
})

test('a space that was left closes, and the next opens', async () => {
  await inTheGarden()
  port.tell({ type: 'spaces', spaces: [space(VILLAGE, { name: 'Village' })] })
  expect(client.currentSpace?.name).toBe('Village')
  port.tell({ type: 'spaces', spaces: [] })
  expect(client.currentSpace).toBeUndefined()
})

test('a space that was being joined is asked about when it is in', async () => {
  hello(space(ALLOTMENT, { state: 'joining' }))
  const notYet: ApiError = { code: 'not-a-member', message: 'Not yet.' }
  await port.refuse('list-channels', notYet)
  await port.refuse('list-members', notYet)
  port.tell({ type: 'spaces', spaces: [space(ALLOTMENT)] })
  await port.answer('list-channels', { channels: [channel(GARDEN, 'garden')], categories: [] })
  await port.answer('list-members', { members: [] })
  expect(client.currentChannel?.name).toBe('garden')
})

test('another tab takes over: what is open is asked for again', async () => {
  await inTheGarden([fromBob('a', 1)])
  hello(space(ALLOTMENT))
  await port.show([fromBob('a', 1), fromBob('b', 2)])
  news(fromBob('c', 3))
  expect(shown()).toEqual(['a (received)', 'b (received)', 'c (received)'])
})

test('a notice is said once, and no more than three at a time', () => {
  for (const text of ['1', '2', '2', '3', '4']) client.notify(text)
  expect(client.notices.map((n) => n.text)).toEqual(['2', '3', '4'])
  client.dismiss(client.notices[0]?.key ?? 0)
  expect(client.notices.map((n) => n.text)).toEqual(['3', '4'])
})

test('what is written in a thread stands there and not in the channel; who comes back finds the channel as it was', async () => {
  const root = fromBob('root', 1)
  await inTheGarden([root])
  client.openThread(root)
  expect(await port.show([root])).toMatchObject({ question: { around: root.id, limit: 1 } })
  expect(await port.show([fromBob('below', 2, { thread: root.id })])).toMatchObject({ question: { channel: GARDEN, thread: root.id } })
  port.news(root.id, fromBob('also below', 3, { thread: root.id }))
  news(fromBob('above', 4))
  expect(shown()).toEqual(['below (received)', 'also below (received)'])
  void client.send('me too')
  expect(await port.answer('send-message', { messageId: opId('me too') })).toMatchObject({ text: 'me too', thread: root.id })
  expect(shown()).toContain('me too (saving)')
  client.openChannel(GARDEN)
  expect(shown()).toEqual(['root (received)', 'above (received)'])
})

test('roles come with the space, and as they change', async () => {
  const everyone: RoleInfo = { role: EVERYONE, name: '', power: 0, permissions: ['send'], everyone: true, holders: 2, may: [] }
  hello(space(ALLOTMENT))
  await port.answer('list-roles', { roles: [everyone] })
  expect(client.roles).toEqual([everyone])
  port.tell({ type: 'roles', space: VILLAGE, roles: [] })
  expect(client.roles).toEqual([everyone])
  port.tell({ type: 'roles', space: ALLOTMENT, roles: [{ ...everyone, permissions: [] }] })
  expect(client.roles).toEqual([{ ...everyone, permissions: [] }])
})

test('Bob’s name comes from the members of the open space', async () => {
  await inTheGarden()
  port.tell({ type: 'members', space: ALLOTMENT, members: [{ member: BOB.identity, name: 'Bob', role: 'member', power: 0, roles: [], timedOutUntil: 0, about: '', emoji: '', colour: 0, check: 'none', mayActOn: [], online: true, me: false }] })
  port.tell({ type: 'members', space: VILLAGE, members: [] })
  expect(client.members.map((m) => m.name)).toEqual(['Bob'])
})

test('a channel that the pointer rests on, or that has something unread, is here before it is opened, and goes on being up to date', async () => {
  await inTheGarden([fromBob('hi', 1)])
  client.warm(SHED)
  client.warm(SHED)
  await settled()
  expect(port.open.filter((type) => type === 'watch-messages')).toHaveLength(1)
  await port.show([{ ...fromBob('saw', 2), channel: SHED }])
  port.news(SHED, { ...fromBob('hammer', 3), channel: SHED })
  client.openChannel(SHED)
  expect(shown()).toEqual(['saw (received)', 'hammer (received)'])
})
