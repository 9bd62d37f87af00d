/** Whether a signature is good depends on nothing but its bytes: in one world it is worked out once, not on each device and in each replay. */
import type { Ciphersuite } from '../ports.ts'

interface Verdict { readonly key: Uint8Array; readonly message: Uint8Array; readonly good: Promise<boolean> }
/** By the signature. Several where one stands beside other keys or messages. */
export type Verified = Map<string, Verdict[]>

export function remembering(suite: Ciphersuite, known: Verified): Ciphersuite {
  const verify: Ciphersuite['verify'] = (key, signature, message) => {
    const name = Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1')
    const verdicts = known.get(name) ?? [], found = verdicts.find((verdict) => same(verdict.key, key) && same(verdict.message, message))
    if (found !== undefined) return found.good
    // Copies: what was asked about may lie in a place that is written over.
    const good = suite.verify(key, signature, message)
    verdicts.push({ key: key.slice(), message: message.slice(), good })
    known.set(name, verdicts)
    return good
  }
  return { ...suite, verify, mls: { ...suite.mls, signature: { ...suite.mls.signature, verify: (key, message, signature) => verify(key, signature, message) } } }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0
