/**
 * A commit in the form that our apps give it, read in one pass. Whoever opens a space or comes into one reads every commit of its log, and ts-mls, which makes an object of each of its parts, takes
 * some hundred times as long. What is not in this form, in the least, is left to ts-mls (mls-codec.ts): so nothing is taken here that it would refuse, and nothing is read in another way.
 *
 *   MLSMessage   = version 1 || PublicMessage || group id || epoch || sender || authenticated data || commit || signature || confirmation tag || membership tag of a member
 *   commit       = proposals: Add, Remove, ExternalInit, none by reference || path: leaf || nodes          RFC 9420, 6, 7.6, 12
 *   leaf         = keys || basic credential of 96 bytes || our capabilities || lifetime, or parent hash || no extensions || signature
 */
import { equal } from '../../wire/bytes.ts'
import type { LeafCredential, SeenCommit } from './mls-codec.ts'

const MLS_1_0 = 1, PUBLIC_MESSAGE = 1, COMMIT = 3, MEMBER = 1, NEW_MEMBER_COMMIT = 4, OUR_CIPHERSUITE = 1
const BY_VALUE = 1, ADD = 1, REMOVE = 3, EXTERNAL_INIT = 6
const FROM_KEY_PACKAGE = 1, FROM_COMMIT = 3, BASIC = 1
/** This version, this ciphersuite, no extensions, no proposals beyond the usual ones, basic credentials. */
const CAPABILITIES = Uint8Array.of(2, 0, 1, 2, 0, 1, 0, 0, 2, 0, 1)
const LIFETIME_BYTES = 16
const ID_BYTES = 32

interface Changes { readonly added: LeafCredential[]; readonly removed: number[]; externalInits: number }

/** undefined: it may be good all the same. */
export function readUsualCommit(bytes: Uint8Array): SeenCommit | undefined {
  const c = new Reader(bytes)
  c.must(c.uint(2) === MLS_1_0 && c.uint(2) === PUBLIC_MESSAGE)
  const groupId = c.part(), epoch = c.uint(8), from = c.uint(1), leaf = from === MEMBER ? c.uint(4) : 0, authenticatedData = c.part()
  c.must((from === MEMBER || from === NEW_MEMBER_COMMIT) && epoch <= Number.MAX_SAFE_INTEGER && c.uint(1) === COMMIT)
  const changes: Changes = { added: [], removed: [], externalInits: 0 }
  c.list(() => { readProposal(c, changes) })
  const hasPath = c.uint(1)
  c.must(hasPath <= 1)
  const pathLeaf = hasPath === 1 ? readLeaf(c, FROM_COMMIT) : undefined
  if (hasPath === 1) c.list(() => { c.skip(); c.list(() => { c.skip(); c.skip() }) })
  c.skip()
  c.skip()
  if (from === MEMBER) c.skip()
  if (!c.isGood || c.at !== bytes.length) return undefined
  const external = from === NEW_MEMBER_COMMIT
  return {
    groupId, epoch, authenticatedData, hasPath: hasPath === 1, pathLeaf, externalLeaf: external ? pathLeaf : undefined, sender: external ? { type: 'external' } : { type: 'member', leaf },
    addedLeaves: changes.added, removedLeaves: changes.removed,
    otherProposals: changes.externalInits !== (external ? 1 : 0) || (external && (changes.added.length > 0 || changes.removed.length > 1)),
  }
}

function readProposal(c: Reader, changes: Changes): void {
  c.must(c.uint(1) === BY_VALUE)
  switch (c.uint(2)) {
    case ADD: {
      c.must(c.uint(2) === MLS_1_0 && c.uint(2) === OUR_CIPHERSUITE)
      c.skip()
      const leaf = readLeaf(c, FROM_KEY_PACKAGE)
      if (leaf !== undefined) changes.added.push(leaf)
      c.must(c.uint(1) === 0)
      return c.skip()
    }
    case REMOVE: changes.removed.push(c.uint(4)); return
    case EXTERNAL_INIT: changes.externalInits++; return c.skip()
    default: c.must(false)
  }
}

function readLeaf(c: Reader, from: number): LeafCredential | undefined {
  c.skip()
  const key = c.part()
  c.must(c.uint(2) === BASIC)
  const credential = c.part()
  c.must(credential.length === 3 * ID_BYTES && equal(c.take(CAPABILITIES.length), CAPABILITIES) && c.uint(1) === from)
  if (from === FROM_KEY_PACKAGE) c.take(LIFETIME_BYTES); else c.skip()
  c.must(c.uint(1) === 0)
  c.skip()
  const device = credential.subarray(ID_BYTES, 2 * ID_BYTES)
  c.must(equal(device, key))
  return c.isGood ? { identity: credential.slice(0, ID_BYTES), device: device.slice(), certHash: credential.slice(2 * ID_BYTES) } : undefined
}

/** Reads what RFC 9420 (2.1) writes. What isn't there, or is written the long way, makes it bad for good, and it goes no further. */
class Reader {
  at = 0
  isGood = true
  private end: number
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) { this.bytes = bytes; this.end = bytes.length }

  must(holds: boolean): void { if (!holds) { this.isGood = false; this.at = this.end } }

  private has(length: number): boolean {
    this.must(this.end - this.at >= length)
    return this.isGood
  }

  /** A number of so many bytes; of those beyond 2^53 about so much. */
  uint(length: number): number {
    let value = 0
    if (this.has(length)) for (let n = 0; n < length; n++) value = value * 256 + (this.bytes[this.at++] as number)
    return value
  }

  /** So many bytes, to be read only; none where there are fewer. */
  take(length: number): Uint8Array { return this.has(length) ? this.bytes.subarray(this.at, (this.at += length)) : this.bytes.subarray(0, 0) }

  private length(): number {
    const first = this.uint(1), kind = first >> 6
    if (kind === 0) return first
    const value = (first & 63) * 256 ** (kind === 1 ? 1 : 3) + this.uint(kind === 1 ? 1 : 3)
    this.must(kind < 3 && value >= (kind === 1 ? 64 : 16_384))
    return value
  }

  /** A string of bytes, its own copy. */
  part(): Uint8Array { return this.take(this.length()).slice() }

  skip(): void {
    const length = this.length()
    if (this.has(length)) this.at += length
  }

  /** One item after the other, to the end of their list. */
  list(item: () => void): void {
    const length = this.length(), { end } = this
    if (!this.has(length)) return
    this.end = this.at + length
    while (this.isGood && this.at < this.end) item()
    this.end = end
  }
}
