/**
 * Bytes that nobody wrote, by the hundred thousand, for whatever reads bytes from outside: what was written with some of it changed, taken out, doubled or
 * put in, its beginning with anything behind it, and bytes of pure chance. The stream depends on the name alone, so that a failure comes again.
 */
import { utf8 } from './bytes.ts'

/** For each format, each time the tests run. */
export const FUZZ = Number(process.env['FUZZ_INPUTS'] ?? 100_000)
/** For a test that does so: what takes seconds may take a minute where others want the processor, too. */
export const FUZZ_TIMEOUT_MS = 600_000
const MAX_RANDOM_BYTES = 300

/** `read` throws where something is wrong; the bytes are new each time. */
export function fuzz(name: string, written: Uint8Array, read: (bytes: Uint8Array) => void, inputs = FUZZ): void {
  const chance = new Chance(name)
  for (let n = 0; n < inputs; n++) {
    const bytes = damaged(chance, written)
    try { read(bytes) } catch (error) { throw new Error(`${name}, input ${n}: ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`, { cause: error }) }
  }
}

function damaged(chance: Chance, written: Uint8Array): Uint8Array {
  const kind = chance.below(10), at = chance.below(written.length + 1)
  if (kind === 0) return chance.bytes(chance.below(MAX_RANDOM_BYTES))
  if (kind === 1) return joined(written.subarray(0, at), chance.bytes(chance.below(40)))
  if (kind === 2) return joined(written.subarray(0, at), chance.bytes(1 + chance.below(4)), written.subarray(at))
  const length = chance.below(20)
  if (kind === 3) return joined(written.subarray(0, at), written.subarray(at + 1 + length))
  if (kind === 4) return joined(written.subarray(0, at), written.subarray(Math.max(0, at - 1 - length)))
  const out = written.slice()
  for (let changes = 1 + chance.below(4); changes > 0 && out.length > 0; changes--) {
    const place = chance.below(out.length)
    // As often by a little as by anything: lengths and kinds that are off by one.
    out[place] = kind < 7 ? chance.below(256) : (out[place] as number) + chance.below(5) - 2
  }
  return out
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) { out.set(part, at); at += part.length }
  return out
}

/** xoshiro128** (Blackman and Vigna, 2018). */
class Chance {
  private readonly state = new Uint32Array([0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xdeadbeef])

  constructor(name: string) {
    for (const byte of utf8(name)) { this.state[0] = (this.state[0] as number) ^ byte; this.next() }
    for (let n = 0; n < 16; n++) this.next()
  }

  private next(): number {
    const [a, b, c, d] = this.state as unknown as [number, number, number, number]
    const five = Math.imul(b, 5), c2 = c ^ a, d2 = d ^ b
    this.state.set([a ^ d2, b ^ c2, c2 ^ (b << 9), (d2 << 11) | (d2 >>> 21)])
    return Math.imul((five << 7) | (five >>> 25), 9) >>> 0
  }

  below(limit: number): number { return this.next() % limit }
  bytes(length: number): Uint8Array { return Uint8Array.from({ length }, () => this.below(256)) }
}
