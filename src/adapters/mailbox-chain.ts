/**
 * What one relay has shown of one topic, and whether what it shows next can be true.
 *
 * A relay signs how many parcels a topic has and their rolling hash, h(n) = SHA-256(h(n-1) || SHA-256(parcel n)). Reading along, we compute the hash ourselves. A relay
 * drops its oldest parcels after a while, so a page may begin later than we asked; then our own hash is lost until the next end, where the relay's word is taken. Within
 * a page nothing may be missing. What this can't show is a relay that withholds the newest parcels from us alone and never says their number: others, and another relay, do.
 */
import { concat, equal } from '../wire/bytes.ts'
import { NO_HASH, type Page } from '../wire/relay.ts'

/** stale: answers an earlier watch of ours. contradiction: the relay lost, withheld or rewrote parcels. */
export type Verdict = 'next' | 'stale' | 'contradiction'

export class TopicChain {
  /** Cursor to read on from. */
  private at: number
  /** Rolling hash at that cursor, as far as we know it. */
  private hash: Uint8Array | undefined
  /** Parcels that this topic has, on the relay's signature: on this connection, and at all. */
  private floor = 0
  private highest = 0
  private readonly sha256: (...parts: readonly Uint8Array[]) => Uint8Array

  /** `hash`: what this relay's was at that place, as it was read before. */
  constructor(sha256: TopicChain['sha256'], since: number, hash?: Uint8Array) {
    this.sha256 = sha256
    this.at = since
    this.hash = since === 0 ? NO_HASH : hash
  }

  get since(): number { return this.at }
  get hashThere(): Uint8Array | undefined { return this.hash }

  /** Reads on from another place; what the relay signed stays in mind. */
  moveTo(since: number, hash?: Uint8Array): void {
    if (since === this.at && hash === undefined) return
    this.at = since
    this.hash = since === 0 ? NO_HASH : hash
  }

  /** Forgets what the relay said: it has been caught, and reading starts over. */
  restart(): void {
    this.at = 0
    this.hash = NO_HASH
    this.floor = 0
    this.highest = 0
  }

  /** A new connection: what was signed before it began holds on it. (An answer to a post may overtake a page, so within one it says nothing.) */
  connected(): void { this.floor = this.highest }

  /** The relay signed that it keeps so many, in answer to a post. */
  signed(cursor: number): void { this.highest = Math.max(this.highest, cursor) }

  /** Judges a page whose signature is good, and moves on when it fits. */
  follow(page: Page): Verdict {
    if (page.since !== this.at) return 'stale'
    if (page.head.cursor < Math.max(this.at, this.floor)) return 'contradiction'
    let { at, hash } = this
    for (const parcel of page.parcels) {
      if (parcel.cursor !== at + 1) {
        if (at !== this.at) return 'contradiction'
        hash = undefined
      }
      at = parcel.cursor
      hash = hash && this.sha256(concat(hash, this.sha256(parcel.bytes)))
    }
    // Only when all have expired may the end lie beyond the last parcel.
    if (page.next !== at) {
      if (!page.end || page.parcels.length > 0) return 'contradiction'
      at = page.next
      hash = undefined
    }
    if (at === page.head.cursor) {
      if (hash !== undefined && !equal(hash, page.head.hash)) return 'contradiction'
      hash = page.head.hash
    }
    this.at = at
    this.hash = hash
    this.floor = page.head.cursor
    this.highest = Math.max(this.highest, page.head.cursor)
    return 'next'
  }
}
