/**
 * Digits that people compare by voice or side by side. All of it is derived; nothing is agreed on.
 *
 *   person   as Signal's safety numbers: 30 digits for each identity, hashed many times so that likenesses are dear to search for, the smaller first.
 *            An identity is the hash of its key, so what is compared are the keys.
 *   group    30 digits from MLS's epoch authenticator (RFC 9420, section 8.7): the same only for those whose whole history of the group is the same.
 */
import type { Ciphersuite } from '../ports.ts'
import { fromHex } from '../wire/bytes.ts'
import type { IdentityId, OpId } from '../wire/ids.ts'
import { LABELS } from './labels.ts'

/** Signal's number. About 5 ms. */
const ROUNDS = 5200
const GROUPS = 6

export function personCode(suite: Ciphersuite, a: IdentityId, b: IdentityId): string {
  const [first, second] = a < b ? [a, b] : [b, a]
  return `${fingerprint(suite, first)} ${fingerprint(suite, second)}`
}

function fingerprint(suite: Ciphersuite, identity: IdentityId): string {
  const key = fromHex(identity) as Uint8Array
  let hash = suite.sha256(LABELS.personCode, key)
  for (let i = 0; i < ROUNDS; i++) hash = suite.sha256(hash, key)
  return digits(hash)
}

/** `root` names the group: equal secrets of two groups would still have other codes. */
export const groupCode = (suite: Ciphersuite, root: OpId, authenticator: Uint8Array): string =>
  digits(suite.sha256(LABELS.groupCode, fromHex(root) as Uint8Array, authenticator))

/** Groups of five digits, each from five bytes: no digit is likelier than another by more than one in ten million. */
function digits(hash: Uint8Array): string {
  const groups: string[] = []
  for (let i = 0; i < GROUPS; i++) {
    const n = hash.subarray(i * 5, i * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    groups.push(String(n % 100_000).padStart(5, '0'))
  }
  return groups.join(' ')
}
