/**
 * How a second device of a person comes to be: two texts that go from screen to screen, by camera, clipboard or cable.
 *
 *   request   base64url(CBOR [1, box public key] || 4 bytes of its SHA-256)         from the new device, for the old one
 *   answer    base64url(HPKE to that key, of the parcel below)                      from the old device, for the new one
 *   parcel    CBOR [1, identity seed, name, [invite link, ...]]
 *
 * The answer holds who one is, sealed to the one device that asked. Whoever hands it over must have read the request from that device's own screen.
 */
import { concat, equal, fromBase64Url, toBase64Url } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes, isText } from './cbor.ts'

type Sha256 = (bytes: Uint8Array) => Uint8Array
const VERSION = 1
const MAX_REQUEST_CHARS = 128
/** Spaces one answer leads to: a text that a clipboard and a line of the headless peer carry. */
export const MAX_LINKED_SPACES = 64
const MAX_LINK_CHARS = 512
export const MAX_ANSWER_BYTES = 40_000

export interface LinkParcel { readonly identitySeed: Uint8Array; readonly name: string; readonly links: readonly string[] }

export function encodeLinkRequest(boxPk: Uint8Array, sha256: Sha256): string {
  const bytes = encodeCbor([VERSION, boxPk])
  return toBase64Url(concat(bytes, sha256(bytes).subarray(0, 4)))
}

/** The box key of the device that asks; undefined for anything else. */
export function decodeLinkRequest(text: string, sha256: Sha256): Uint8Array | undefined {
  const all = text.length > MAX_REQUEST_CHARS ? undefined : fromBase64Url(text.trim())
  if (all === undefined || all.length < 8) return undefined
  const bytes = all.subarray(0, -4)
  if (!equal(all.subarray(-4), sha256(bytes).subarray(0, 4))) return undefined
  const v = decodeCbor(bytes, MAX_REQUEST_CHARS)
  return isArray(v, 2) && v[0] === VERSION && isBytes(v[1], 32) ? v[1] : undefined
}

export const encodeLinkParcel = (p: LinkParcel): Uint8Array => encodeCbor([VERSION, p.identitySeed, p.name, [...p.links]])

export function decodeLinkParcel(bytes: Uint8Array): LinkParcel | undefined {
  const v = decodeCbor(bytes, MAX_ANSWER_BYTES)
  if (!isArray(v, 4)) return undefined
  const [version, identitySeed, name, list] = v
  if (version !== VERSION || !isBytes(identitySeed, 32) || !isText(name, 64) || name === '' || !isArray(list) || list.length > MAX_LINKED_SPACES) return undefined
  const links = list.filter((link): link is string => isText(link, MAX_LINK_CHARS))
  return links.length === list.length ? { identitySeed, name, links } : undefined
}
