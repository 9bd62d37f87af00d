/** The forms of commands about who may do what. */
import type { AuthorityCommand } from '../api/authority.ts'
import { MAX_RECOVERERS } from './authority.ts'
import { amount, channel, count, device, flag, type Form, list, member, message, oneOf, permissions, role, space, text, texts } from './command-fields.ts'

type Fields<T extends AuthorityCommand['type']> = Omit<Extract<AuthorityCommand, { type: T }>, 'type'>

export const AUTHORITY_FORMS: { readonly [T in AuthorityCommand['type']]: Form<Fields<T>> } = {
  'list-roles': { space },
  'list-bans': { space },
  'list-overrides': { space, channel },
  'list-devices': { space },
  'get-recovery': { space },
  'list-audit': { space, limit: { optional: count }, before: { optional: message } },
  'list-hidden': { space, channel, limit: { optional: count }, before: { optional: message } },
  'explain': { space, op: message },
  'group-code': { space, channel: { optional: channel } },
  'person-code': { space, member },
  'mark-checked': { space, member, on: flag },
  'create-role': { space, name: text, power: amount, permissions },
  'change-role': { space, role, name: { optional: text }, power: { optional: amount }, permissions: { optional: permissions } },
  'delete-role': { space, role },
  'give-role': { space, member, role },
  'take-role': { space, member, role },
  'ban-member': { space, member },
  'unban-member': { space, member },
  'time-out-member': { space, member, until: count },
  'end-time-out': { space, member },
  'transfer-ownership': { space, member },
  'set-override': { space, channel, role: { optional: role }, member: { optional: member }, allow: permissions, deny: permissions },
  'set-topic': { space, channel, topic: text },
  'set-slow-mode': { space, channel, everyMs: amount },
  'delete-channel': { space, channel },
  'set-history': { space, history: oneOf('all', 'from-join'), channel: { optional: channel } },
  'set-relays': { space, relays: texts },
  'share-history': { space, member },
  'set-retention': { space, channel: { optional: channel }, afterMs: { optional: count }, maxBytes: { optional: count }, follows: { optional: flag } },
  'clear-channel': { space, channel, before: count },
  'revoke-device': { space, device },
  'set-recovery': { space, threshold: count, members: list(member, MAX_RECOVERERS) },
  'end-recovery': { space },
  'sign-recovery': { space, member },
  'recover': { space, member, signatures: list(text, MAX_RECOVERERS) },
}
