/** Why an op does not count, or a command can't be done. Codes are stable: the app has a sentence for each. */
import type { OpId } from '../../wire/ids.ts'
import type { Permission } from './permissions.ts'

export type ReasonCode =
  /** The op itself: not readable; a signature inside it is wrong; a cut names what its author can't have seen. */
  | 'malformed' | 'bad-signature' | 'bad-cut'
  /** The author. */
  | 'not-a-member' | 'device-not-authorised' | 'device-revoked' | 'no-permission' | 'power-too-low' | 'owner-only' | 'grants-too-much' | 'timed-out'
  /** What it is about. */
  | 'unknown-member' | 'unknown-role' | 'unknown-channel' | 'unknown-invite' | 'unknown-audience' | 'unknown-ban' | 'unknown-device'
  | 'exists' | 'everyone-role' | 'device-taken' | 'limit-reached' | 'owner-must-transfer' | 'nothing-to-do'
  /** Joining. */
  | 'banned' | 'invite-expired' | 'invite-used-up' | 'invite-revoked' | 'invite-before-removal'
  /** What others did at the same time: `by` says which op. */
  | 'removed' | 'demoted' | 'revoked' | 'became-owner' | 'recovered' | 'forked'

export interface Reason {
  readonly code: ReasonCode
  /** The op that made it so, where one did. */
  readonly by?: OpId
  readonly permission?: Permission
}

export type Verdict = { readonly type: 'valid' } | { readonly type: 'void'; readonly reason: Reason }
