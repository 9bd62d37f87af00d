/**
 * A tally stick: one half stays on the disk, as a number that is counted up with every save that holds own ops; the other is kept somewhere else. When the
 * disk's number is below the other half's, the disk is not what it was.
 *
 *   half kept elsewhere = [1, nonce (24), sealed number]     under a key from the device's: without it, it only says that there was somebody
 */
import { decodeCbor, encodeCbor, isArray, isBytes } from './cbor.ts'

const VERSION = 1
/** With the seal's 16 bytes around it, a number has 17 to 25. */
const MAX_SEALED_BYTES = 64

export interface TallyHalf { readonly nonce: Uint8Array; readonly sealed: Uint8Array }

export const encodeTally = ({ nonce, sealed }: TallyHalf): Uint8Array => encodeCbor([VERSION, nonce, sealed])

export function decodeTally(bytes: Uint8Array): TallyHalf | undefined {
  const v = decodeCbor(bytes, 128)
  if (!isArray(v, 3)) return undefined
  const [version, nonce, sealed] = v
  return version === VERSION && isBytes(nonce, 24) && isBytes(sealed) && sealed.length <= MAX_SEALED_BYTES ? { nonce, sealed } : undefined
}
