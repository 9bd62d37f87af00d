/**
 * How a second device of a person comes to be: two texts that go from screen to screen, by camera, clipboard or cable.
 *
 *   request   base64url(CBOR [2, device public key, box public key] || 4 bytes of its SHA-256)         from the new device, for the old one
 *   answer    base64url(HPKE to that box key, of the parcel below)                                     from the old device, for the new one
 *   parcel    CBOR [2, identity public key, certificate, key between own devices, name, [invite link, ...]]
 *
 * The answer says that the device which asked is this person's, and leads it to their spaces. The identity's secret stays where it is. (Version 1 sent it along.) Whoever hands the
 * answer over must have read the request from that device's own screen.
 */
import { CERT_BYTES } from './authority.ts'
import { concat, equal, fromBase64Url, toBase64Url } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes, isText } from './cbor.ts'

type Sha256 = (bytes: Uint8Array) => Uint8Array
const VERSION = 2
const MAX_REQUEST_CHARS = 128
/** Spaces one answer leads to: a text that a clipboard and a line of the headless peer carry. */
export const MAX_LINKED_SPACES = 64
const MAX_LINK_CHARS = 512
export const MAX_ANSWER_BYTES = 40_000

export interface LinkRequest { readonly devicePk: Uint8Array; readonly boxPk: Uint8Array }
export interface LinkParcel { readonly identityPk: Uint8Array; readonly cert: Uint8Array; readonly ownKey: Uint8Array; readonly name: string; readonly links: readonly string[] }

export function encodeLinkRequest({ devicePk, boxPk }: LinkRequest, sha256: Sha256): string {
  const bytes = encodeCbor([VERSION, devicePk, boxPk])
  return toBase64Url(concat(bytes, sha256(bytes).subarray(0, 4)))
}

/** The keys of the device that asks; undefined for anything else. */
export function decodeLinkRequest(text: string, sha256: Sha256): LinkRequest | undefined {
  const all = text.length > MAX_REQUEST_CHARS ? undefined : fromBase64Url(text.trim())
  if (all === undefined || all.length < 8) return undefined
  const bytes = all.subarray(0, -4)
  if (!equal(all.subarray(-4), sha256(bytes).subarray(0, 4))) return undefined
  const v = decodeCbor(bytes, MAX_REQUEST_CHARS)
  return isArray(v, 3) && v[0] === VERSION && isBytes(v[1], 32) && isBytes(v[2], 32) ? { devicePk: v[1], boxPk: v[2] } : undefined
}

export const encodeLinkParcel = (p: LinkParcel): Uint8Array => encodeCbor([VERSION, p.identityPk, p.cert, p.ownKey, p.name, [...p.links]])

export function decodeLinkParcel(bytes: Uint8Array): LinkParcel | undefined {
  const v = decodeCbor(bytes, MAX_ANSWER_BYTES)
  if (!isArray(v, 6)) return undefined
  const [version, identityPk, cert, ownKey, name, list] = v
  if (version !== VERSION || !isBytes(identityPk, 32) || !isBytes(cert, CERT_BYTES) || !isBytes(ownKey, 32) || !isText(name, 64) || name === '' || !isArray(list) || list.length > MAX_LINKED_SPACES) return undefined
  const links = list.filter((link): link is string => isText(link, MAX_LINK_CHARS))
  return links.length === list.length ? { identityPk, cert, ownKey, name, links } : undefined
}
