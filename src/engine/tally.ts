/**
 * Whether the disk is what it was when this device last signed something. Every save that holds own ops counts up a number on the disk, and the same number goes, sealed,
 * to a place that is not the disk (ports.ts). At the next start the two are compared, before anybody else is asked and without any connection:
 *
 *   nothing is kept elsewhere       a first start, or a device from before there were tallies
 *   the disk has as much, or more   all is well: a crash between the two leaves the disk ahead
 *   the disk has less               it was put back to what it once was: nothing is signed until others have told, then it goes on under a new key (S9)
 *   there is nobody on the disk     it was emptied: that is said, and never taken for a first start
 */
import type { Row } from '../ports.ts'
import { u64 } from '../wire/bytes.ts'
import { decodeNumber, encodeNumber } from '../wire/records.ts'
import { decodeTally, encodeTally } from '../wire/tally.ts'
import { LABELS } from './labels.ts'
import type { MeRecord } from '../wire/records.ts'
import type { Turn, World } from './turn.ts'

/** In the partition 'me'. */
export const TALLY_KEY = Uint8Array.of(4)
const NO_AAD = new Uint8Array()
const NONCE_BYTES = 24

export class Tally {
  private readonly world: World
  /** The half that was kept elsewhere, as it was at the start. */
  private found: Uint8Array | undefined
  private count = 0
  private key: Uint8Array | undefined

  constructor(world: World) { this.world = world }

  begin(found: Uint8Array | undefined): void { this.found = found }

  /** There was somebody, and the disk knows nobody. */
  get isEmptied(): boolean { return this.found !== undefined && this.key === undefined }

  /** The disk's half, once it is known whose it is. True when the other half knows of more. */
  load(turn: Turn, me: MeRecord, rows: readonly Row[]): boolean {
    const row = rows.find(({ key }) => key.length === 1 && key[0] === TALLY_KEY[0])
    this.count = (row && decodeNumber(row.value)) ?? 0
    this.key = this.keyOf(me)
    const half = this.found && decodeTally(this.found)
    // What is kept elsewhere and says nothing is no proof of anything.
    if (half === undefined) { this.keep(turn); return false }
    const opened = this.world.suite.open(this.key, half.nonce, NO_AAD, half.sealed)
    // Another key's: the disk is from before this device had it.
    return opened === undefined || (decodeNumber(opened) ?? 0) > this.count
  }

  /** From now on the disk is this person's. */
  begins(turn: Turn, me: MeRecord): void {
    this.key = this.keyOf(me)
    this.keep(turn)
  }

  /** Own ops are saved in this step. */
  notch(turn: Turn): void {
    this.count += 1
    turn.out.put('me', TALLY_KEY, encodeNumber(this.count))
    this.keep(turn)
  }

  /** Once the step is saved, the other half says the same as the disk. */
  keep(turn: Turn): void {
    if (this.key === undefined) return
    const { suite } = this.world
    const nonce = suite.hmac(this.key, u64(this.count)).slice(0, NONCE_BYTES)
    turn.out.tally = encodeTally({ nonce, sealed: suite.seal(this.key, nonce, NO_AAD, encodeNumber(this.count)) })
  }

  private keyOf({ deviceSeed }: MeRecord): Uint8Array { return this.world.suite.expand(deviceSeed, 32, LABELS.tally) }
}
