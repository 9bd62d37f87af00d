/** What every format promises, each sample standing for one shape of one format: what we write reads back, and nothing else does. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { concat, equal, toHex } from './bytes.ts'
import { fuzz, FUZZ_TIMEOUT_MS } from './fuzz.test-support.ts'

export interface Sample {
  readonly name: string; readonly value: unknown; readonly encoded: Uint8Array
  /** What former versions wrote for it. */
  readonly formerly: readonly Uint8Array[]
  decode(bytes: Uint8Array): unknown
}

export function sample<T>(name: string, value: T, encode: (v: T) => Uint8Array, decode: (b: Uint8Array) => unknown, formerly: readonly Uint8Array[] = []): Sample {
  return { name, value, encoded: encode(value), formerly, decode }
}

export function describeFormats(samples: readonly Sample[]): void {
  describe.each(samples)('$name', ({ name, value, encoded, formerly, decode }) => {
    test('reads back what was written', () => {
      expect(value).toBeDefined()
      expect(decode(encoded)).toEqual(value)
    })
    test('refuses every truncation and a trailing byte', () => {
      for (let n = 0; n < encoded.length; n++) expect(decode(encoded.subarray(0, n))).toBeUndefined()
      expect(decode(concat(encoded, Uint8Array.of(1)))).toBeUndefined()
    })
    test('takes bytes that nobody wrote for what they say or for nothing, and never throws', () => {
      fuzz(name, encoded, (bytes) => {
        const read = decode(bytes)
        const isKnown = [encoded, ...formerly].some((known) => equal(bytes, known))
        if (read !== undefined && !isKnown && isDeepStrictEqual(read, value)) throw new Error('other bytes mean the same')
      })
    }, FUZZ_TIMEOUT_MS)
  })
}

/** The encodings of released versions stay readable, byte for byte: a file under vectors/. */
export async function expectVectors(file: string, encodings: readonly (readonly [name: string, bytes: Uint8Array])[]): Promise<void> {
  const vectors = Object.fromEntries(encodings.map(([name, bytes]) => [name, toHex(bytes)]))
  await expect(`${JSON.stringify(vectors, null, 2)}\n`).toMatchFileSnapshot(`./vectors/${file}.json`)
}
