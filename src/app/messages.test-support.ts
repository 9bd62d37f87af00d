/** Ids and messages for stories about what is shown. A message's letter is its id and its text, its order its place and its minute. */
import type { MessageInfo } from '../api.ts'
import type { WindowPage } from './windows.ts'
import { parseChannelId, parseIdentityId, parseOpId, parseSpaceId } from '../wire/ids.ts'

function known<T>(id: T | undefined): T {
  if (id === undefined) throw new Error('Not an id')
  return id
}

const hex = (name: string): string => [...name].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('')

export const opId = (name: string) => known(parseOpId(hex(name).padEnd(64, '0')))
export const channelId = (name: string) => known(parseChannelId(hex(name).padEnd(32, '0')))
export const spaceId = (name: string) => known(parseSpaceId(hex(name).padEnd(64, '0')))
export const identityId = (name: string) => known(parseIdentityId(hex(name).padEnd(64, '0')))

export const ALICE = { identity: identityId('alice'), name: 'Alice' }
export const BOB = { identity: identityId('bob'), name: 'Bob' }
export const GARDEN = channelId('garden')

/** A Tuesday, at noon where the test runs. */
export const NOON = new Date(2026, 5, 2, 12).getTime()
const MINUTE_MS = 60_000

/** What Bob wrote, as Alice's device has it. */
export function fromBob(name: string, order: number, more: Partial<MessageInfo> = {}): MessageInfo {
  return {
    id: opId(name), channel: GARDEN, author: BOB.identity, authorName: BOB.name, text: name, sentAt: NOON + order * MINUTE_MS, order, mine: false, state: { type: 'received' }, ...more,
  }
}

/** What Alice wrote on this device. */
export function fromAlice(name: string, order: number, more: Partial<MessageInfo> = {}): MessageInfo {
  return { ...fromBob(name, order), author: ALICE.identity, authorName: ALICE.name, mine: true, state: { type: 'queued' }, ...more }
}

/** What the engine answers who begins to watch. */
export const pageOf = (messages: readonly MessageInfo[], more = false, newer = false): WindowPage => ({ rows: messages.map((message) => ({ message })), more, newer })
