/**
 * Bytes that nobody wrote, by the hundred thousand, for whatever reads bytes from outside: what was written with some of it changed, taken out, doubled or
 * put in, its beginning with anything behind it, and bytes of pure chance. The stream depends on the name alone, so that a failure comes again.
 */
import { seededRandom } from '../adapters/random.ts'
import { concat, toHex } from './bytes.ts'

/** For each format, each time the tests run. */
export const FUZZ = Number(process.env['FUZZ_INPUTS'] ?? 100_000)
/** For a test that does so: what takes seconds may take a minute where others want the processor, too. */
export const FUZZ_TIMEOUT_MS = 600_000
const MAX_RANDOM_BYTES = 300
const POOL_BYTES = 65_536

/** `read` throws where something is wrong; the bytes are new each time. */
export function fuzz(name: string, written: Uint8Array, read: (bytes: Uint8Array) => void, inputs = FUZZ): void {
  const chance = new Chance(name)
  for (let n = 0; n < inputs; n++) {
    const bytes = damaged(chance, written)
    try { read(bytes) } catch (error) { throw new Error(`${name}, input ${n}: ${toHex(bytes)}`, { cause: error }) }
  }
}

function damaged(chance: Chance, written: Uint8Array): Uint8Array {
  const kind = chance.below(10), at = chance.below(written.length + 1)
  if (kind === 0) return chance.bytes(chance.below(MAX_RANDOM_BYTES))
  if (kind === 1) return concat(written.subarray(0, at), chance.bytes(chance.below(40)))
  if (kind === 2) return concat(written.subarray(0, at), chance.bytes(1 + chance.below(4)), written.subarray(at))
  const length = chance.below(20)
  if (kind === 3) return concat(written.subarray(0, at), written.subarray(at + 1 + length))
  if (kind === 4) return concat(written.subarray(0, at), written.subarray(Math.max(0, at - 1 - length)))
  const out = written.slice()
  for (let changes = 1 + chance.below(4); changes > 0 && out.length > 0; changes--) {
    const place = chance.below(out.length)
    // As often by a little as by anything: lengths and kinds that are off by one.
    out[place] = kind < 7 ? chance.below(256) : (out[place] as number) + chance.below(5) - 2
  }
  return out
}

/** Drawn from in small numbers, many million times: so it is filled in large pieces. */
class Chance {
  private readonly random: ReturnType<typeof seededRandom>
  private pool: DataView = new DataView(new ArrayBuffer(0))
  private at = 0

  constructor(name: string) { this.random = seededRandom(name) }

  below(limit: number): number {
    if (this.at + 4 > this.pool.byteLength) {
      this.pool = new DataView(this.random.bytes(POOL_BYTES).buffer)
      this.at = 0
    }
    this.at += 4
    return this.pool.getUint32(this.at - 4) % limit
  }

  bytes(length: number): Uint8Array { return Uint8Array.from({ length }, () => this.below(256)) }
}
