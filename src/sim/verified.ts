/**
 * Whether a signature is good, and what is in a sealed box, depends on nothing but bytes: in one world each is worked out once, not on each device and in each replay.
 */
import type { Ciphersuite } from '../ports.ts'

interface Verdict { readonly key: Uint8Array; readonly message: Uint8Array; readonly good: Promise<boolean> }
interface Box { readonly key: Uint8Array; readonly aad: Uint8Array; readonly sealed: Uint8Array; readonly inside: Uint8Array | undefined }
/** By the signature, of which several may stand beside other keys or messages; boxes by their nonce, the last ones. */
export interface Verified { readonly signatures: Map<string, Verdict[]>; readonly boxes: Map<string, Box> }
export const nothingVerified = (): Verified => ({ signatures: new Map(), boxes: new Map() })

/** What a crowd is told in a moment. */
const MAX_BOXES = 4096

export function remembering(suite: Ciphersuite, { signatures, boxes }: Verified): Ciphersuite {
  const verify: Ciphersuite['verify'] = (key, signature, message) => {
    const name = latin(signature), verdicts = signatures.get(name) ?? [], found = verdicts.find((verdict) => same(verdict.key, key) && same(verdict.message, message))
    if (found !== undefined) return found.good
    // Copies: what was asked about may lie in a place that is written over.
    const good = suite.verify(key, signature, message)
    verdicts.push({ key: key.slice(), message: message.slice(), good })
    signatures.set(name, verdicts)
    return good
  }
  const open: Ciphersuite['open'] = (key, nonce, aad, sealed) => {
    const name = latin(nonce), found = boxes.get(name)
    if (found !== undefined && same(found.key, key) && same(found.aad, aad) && same(found.sealed, sealed)) return found.inside?.slice()
    const inside = suite.open(key, nonce, aad, sealed)
    boxes.delete(name)
    boxes.set(name, { key: key.slice(), aad: aad.slice(), sealed: sealed.slice(), inside: inside?.slice() })
    const oldest = boxes.size > MAX_BOXES ? boxes.keys().next().value : undefined
    if (oldest !== undefined) boxes.delete(oldest)
    return inside
  }
  return { ...suite, verify, open, mls: { ...suite.mls, signature: { ...suite.mls.signature, verify: (key, message, signature) => verify(key, signature, message) } } }
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0
