/** What every format promises, each sample standing for one shape of one format: what we write reads back, and nothing else does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toHex } from './bytes.ts'

export interface Sample { readonly name: string; readonly value: unknown; readonly encoded: Uint8Array; decode(bytes: Uint8Array): unknown }

export function sample<T>(name: string, value: T, encode: (v: T) => Uint8Array, decode: (b: Uint8Array) => unknown): Sample {
  return { name, value, encoded: encode(value), decode }
}

/** Inputs for each property that is played with random bytes. */
export const FUZZ = Number(process.env['FUZZ_INPUTS'] ?? 2000)

export function describeFormats(samples: readonly Sample[]): void {
  describe.each(samples)('$name', ({ value, encoded, decode }) => {
    test('reads back what was written', () => {
      expect(value).toBeDefined()
      expect(decode(encoded)).toEqual(value)
    })
    test('refuses every truncation and a trailing byte', () => {
      for (let n = 0; n < encoded.length; n++) expect(decode(encoded.subarray(0, n))).toBeUndefined()
      expect(decode(concat(encoded, Uint8Array.of(1)))).toBeUndefined()
    })
    test('takes mutated bytes for what they say or for nothing, and never throws', () => {
      fc.assert(fc.property(fc.nat(encoded.length - 1), fc.nat(255), (at, byte) => {
        const mutated = encoded.slice()
        mutated[at] = byte
        if (!mutated.every((b, i) => b === encoded[i])) expect(decode(mutated)).not.toEqual(value)
      }), { numRuns: FUZZ })
      fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (random) => { decode(random) }), { numRuns: FUZZ })
    })
  })
}

/** The encodings of released versions stay readable, byte for byte: a file under vectors/. */
export async function expectVectors(file: string, encodings: readonly (readonly [name: string, bytes: Uint8Array])[]): Promise<void> {
  const vectors = Object.fromEntries(encodings.map(([name, bytes]) => [name, toHex(bytes)]))
  await expect(`${JSON.stringify(vectors, null, 2)}\n`).toMatchFileSnapshot(`./vectors/${file}.json`)
}
