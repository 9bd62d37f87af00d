import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CommandType } from '../api.ts'
import { COMMAND_TYPES, decodeCommand, fieldsOf } from './command.ts'
import { MAX_COMMAND_TEXT } from './command-fields.ts'

const ID_16 = 'ab'.repeat(16), ID_32 = 'cd'.repeat(32)

/** Each command with all its fields. */
const FULL: { readonly [T in CommandType]: Readonly<Record<string, unknown>> } = {
  'set-up': { name: 'Alice', anew: true },
  'set-name': { name: 'Alice' },
  'set-profile': { about: 'Bees', emoji: '🐝', colour: 3 },
  'ask-to-link': {},
  'link-device': { request: 'AbCd' },
  'finish-link': { answer: 'AbCd' },
  'name-device': { device: ID_32, name: 'Phone' },
  'recovery-phrase': {},
  'enter-phrase': { phrase: 'zoo zoo', name: 'Alice' },
  'create-space': { name: 'Home', relays: ['https://relay.example'] },
  'list-spaces': {},
  'open-dm': { space: ID_32, members: [ID_32] },
  'rename-space': { space: ID_32, name: 'Home' },
  'leave-space': { space: ID_32 },
  'create-channel': { space: ID_32, name: 'general', kind: 'forum', category: ID_16, readers: { roles: [ID_16], members: [ID_32] } },
  'set-readers': { space: ID_32, channel: ID_16, readers: { roles: [ID_16], members: [ID_32] } },
  'move-channel': { space: ID_32, channel: ID_16, category: ID_16, after: ID_16 },
  'rename-channel': { space: ID_32, channel: ID_16, name: 'talk' },
  'list-channels': { space: ID_32 },
  'list-members': { space: ID_32 },
  'remove-member': { space: ID_32, member: ID_32 },
  'create-invite': { space: ID_32, role: ID_16, uses: 3, expiresInMs: 60_000, base: 'https://thicket.example' },
  'list-invites': { space: ID_32 },
  'revoke-invite': { space: ID_32, invite: ID_16 },
  'read-link': { link: 'https://thicket.example/#/join/x' },
  'join': { link: 'https://thicket.example/#/join/x' },
  'send-message': { space: ID_32, channel: ID_16, text: 'hello 👋', replyTo: ID_32, thread: ID_32, mentions: [ID_32], mentionRoles: [ID_16], mentionEveryone: true, title: 'Sunday', tags: ['garden'] },
  'edit-message': { space: ID_32, message: ID_32, text: 'hello', mentions: [ID_32], mentionRoles: [ID_16], mentionEveryone: true, title: 'Sunday', tags: ['garden'] },
  'delete-message': { space: ID_32, message: ID_32 },
  'react': { space: ID_32, message: ID_32, emoji: '👋', on: false },
  'pin-message': { space: ID_32, message: ID_32, on: false },
  'typing': { space: ID_32, channel: ID_16 },
  'list-pins': { space: ID_32, channel: ID_16 },
  'retry-message': { space: ID_32, message: ID_32 },
  'get-messages': { space: ID_32, channel: ID_16, thread: ID_32, limit: 20, before: ID_32, after: ID_32, around: ID_32, order: 7, unread: true },
  'watch-messages': { window: 3, question: { type: 'get-messages', space: ID_32, channel: ID_16, limit: 20, unread: true } },
  'grow-window': { window: 3, to: 'older', limit: 20 },
  'close-window': { window: 3 },
  'list-threads': { space: ID_32, channel: ID_16, tag: 'garden', limit: 20, before: ID_32 },
  'search-messages': { query: 'full moon', space: ID_32, channel: ID_16, limit: 10, before: ID_32, order: 'best', utcOffsets: [[0, -120], [1_790_000_000_000, -60]] },
  'mark-read': { space: ID_32, channel: ID_16, message: ID_32 },
  'keep-draft': { space: ID_32, channel: ID_16, text: 'hel', thread: ID_32 },
  'get-draft': { space: ID_32, channel: ID_16, thread: ID_32 },
  'status': {},
  'storage': {},
  'compact': {},
  'keep-here': { space: ID_32, channel: ID_16, maxBytes: 50_000_000 },
  'check-storage': {},
  'save-copy': { passphrase: 'slugs under the lettuce' },
  'take-copy': { file: 'copies/x', passphrase: 'slugs under the lettuce' },
  'cancel-copy': {},
  'list-roles': { space: ID_32 },
  'list-bans': { space: ID_32 },
  'list-overrides': { space: ID_32, channel: ID_16 },
  'list-devices': { space: ID_32 },
  'create-role': { space: ID_32, name: 'Gardeners', power: 40, permissions: ['kick', 'channels'] },
  'change-role': { space: ID_32, role: ID_16, name: 'Diggers', power: 30, permissions: [] },
  'delete-role': { space: ID_32, role: ID_16 },
  'give-role': { space: ID_32, member: ID_32, role: ID_16 },
  'take-role': { space: ID_32, member: ID_32, role: ID_16 },
  'ban-member': { space: ID_32, member: ID_32 },
  'unban-member': { space: ID_32, member: ID_32 },
  'time-out-member': { space: ID_32, member: ID_32, until: 1_800_000_000_000 },
  'end-time-out': { space: ID_32, member: ID_32 },
  'transfer-ownership': { space: ID_32, member: ID_32 },
  'set-override': { space: ID_32, channel: ID_16, role: ID_16, member: ID_32, allow: ['send'], deny: ['attach', 'speak'] },
  'set-topic': { space: ID_32, channel: ID_16, topic: 'Seeds and soil' },
  'delete-channel': { space: ID_32, channel: ID_16 },
  'set-history': { space: ID_32, history: 'from-join', channel: ID_16 },
  'set-relays': { space: ID_32, relays: ['https://one.example', 'https://two.example'] },
  'set-slow-mode': { space: ID_32, channel: ID_16, everyMs: 30_000 },
  'set-retention': { space: ID_32, channel: ID_16, afterMs: 3_600_000, maxBytes: 1_048_576, follows: false },
  'clear-channel': { space: ID_32, channel: ID_16, before: 1_800_000_000_000 },
  'group-code': { space: ID_32, channel: ID_16 },
  'mark-checked': { space: ID_32, member: ID_32, on: true },
  'person-code': { space: ID_32, member: ID_32 },
  'share-history': { space: ID_32, member: ID_32 },
  'revoke-device': { space: ID_32, device: ID_32 },
  'get-recovery': { space: ID_32 },
  'list-audit': { space: ID_32, limit: 20, before: ID_32 },
  'list-hidden': { space: ID_32, channel: ID_16, limit: 20, before: ID_32 },
  'explain': { space: ID_32, op: ID_32 },
  'set-recovery': { space: ID_32, threshold: 2, members: [ID_32, 'ef'.repeat(32)] },
  'end-recovery': { space: ID_32 },
  'sign-recovery': { space: ID_32, member: ID_32 },
  'recover': { space: ID_32, member: ID_32, signatures: ['AbCd'] },
}

/** What no field of any command may be. (Power and a time zone's offset may be 0.) */
const WRONG: readonly unknown[] = [null, -1, 1.5, NaN, true, {}, ['x', 1], 'x'.repeat(MAX_COMMAND_TEXT + 1), '\ud800', () => 1]

describe.each(COMMAND_TYPES)('%s', (type) => {
  const full = { type, ...FULL[type] }
  const fields = fieldsOf(type) ?? []

  test('comes out as it went in, through JSON as well', () => {
    expect(decodeCommand(full)).toEqual(full)
    expect(decodeCommand(JSON.parse(JSON.stringify(full)))).toEqual(full)
    expect(fields.map((name) => name.replace(/[[\]]/g, ''))).toEqual(Object.keys(FULL[type]))
  })

  test('needs every field but the optional ones', () => {
    for (const field of fields) {
      const name = field.replace(/[[\]]/g, '')
      const { [name]: _, ...rest } = full as Record<string, unknown>
      expect(decodeCommand(rest), name).toEqual(field === name ? undefined : rest)
    }
  })

  test('takes nothing misshapen and nothing more', () => {
    for (const [name, right] of Object.entries(FULL[type])) {
      for (const wrong of WRONG) if (typeof wrong !== 'boolean' || typeof right !== 'boolean') expect(decodeCommand({ ...full, [name]: wrong }), `${name} ${String(wrong).slice(0, 20)}`).toBeUndefined()
      if (name !== 'power' && name !== 'colour' && name !== 'everyMs' && !(type === 'keep-here' && name === 'maxBytes')) expect(decodeCommand({ ...full, [name]: 0 }), name).toBeUndefined()
    }
    expect(decodeCommand({ ...full, sapce: ID_32 })).toBeUndefined()
  })
})

test('ids are lower-case hex of their length', () => {
  for (const space of ['', 'ab', ID_32.toUpperCase(), ID_32 + '00', ID_32.slice(2), 'zz'.repeat(32)]) expect(decodeCommand({ type: 'list-channels', space })).toBeUndefined()
})

test('anything else is not a command, and nothing throws', () => {
  for (const value of [undefined, null, 1, 'status', [], {}, { type: 'toString' }, { type: '__proto__' }, { type: ['status'] }]) expect(decodeCommand(value)).toBeUndefined()
  fc.assert(fc.property(fc.anything(), (value) => { decodeCommand(value) }), { numRuns: 2000 })
  fc.assert(fc.property(fc.constantFrom(...COMMAND_TYPES), fc.dictionary(fc.constantFrom('space', 'channel', 'name', 'text', 'limit', 'relays'), fc.anything()), (type, rest) => {
    const decoded = decodeCommand({ ...rest, type })
    if (decoded !== undefined) expect(decodeCommand(decoded)).toEqual(decoded)
  }), { numRuns: 5000 })
})

test('permissions are known ones, and none twice', () => {
  const command = (permissions: unknown) => ({ type: 'create-role', space: ID_32, name: 'Gardeners', power: 0, permissions })
  expect(decodeCommand(command(['kick']))).toEqual(command(['kick']))
  for (const wrong of [['kick', 'kick'], ['dig'], ['toString'], [''], Array(1000).fill('kick')]) expect(decodeCommand(command(wrong))).toBeUndefined()
})
