/**
 * Passkeys that open the disk: the authenticator turns a salt into 32 secret bytes (WebAuthn level 3, PRF extension, 10.1.4), always the same ones.
 * Nobody else is asked: there is no server that could check a signature, and none is needed.
 */
import type { LockWay } from '../api.ts'

type Passkey = LockWay & { readonly type: 'passkey' }
export interface Made { readonly credential: Uint8Array; readonly salt: Uint8Array; readonly output: Uint8Array }

const bytes = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length))
const own = (from: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(from)

/** Whether it makes sense to offer one. */
export const canPasskeys = (): boolean => 'PublicKeyCredential' in globalThis && 'credentials' in navigator

/** Makes a passkey on this device; undefined when the person or the device would not, or the authenticator has no PRF. */
export async function makePasskey(name: string): Promise<Made | undefined> {
  const salt = bytes(32)
  try {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: bytes(32), rp: { name: 'Thicket' }, user: { id: bytes(16), name, displayName: name }, pubKeyCredParams: [{ type: 'public-key', alg: -8 }, { type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' }, extensions: { prf: { eval: { first: salt } } },
      },
    })
    if (!(made instanceof PublicKeyCredential) || made.getClientExtensionResults().prf?.enabled !== true) return undefined
    const credential = new Uint8Array(made.rawId)
    // Many authenticators say what the PRF makes of the salt only when they are asked again.
    const output = outputOf(made) ?? await usePasskey({ type: 'passkey', credential, salt })
    return output === undefined ? undefined : { credential, salt, output }
  } catch { return undefined }
}

/** What the passkey makes of its salt; undefined when the person or the device would not. */
export async function usePasskey({ credential, salt }: Passkey): Promise<Uint8Array | undefined> {
  try {
    const used = await navigator.credentials.get({
      publicKey: { challenge: bytes(32), allowCredentials: [{ type: 'public-key', id: own(credential) }], userVerification: 'required', extensions: { prf: { eval: { first: own(salt) } } } },
    })
    return used instanceof PublicKeyCredential ? outputOf(used) : undefined
  } catch { return undefined }
}

function outputOf(credential: PublicKeyCredential): Uint8Array | undefined {
  const first = credential.getClientExtensionResults().prf?.results?.first
  if (first === undefined) return undefined
  const out = first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
  return out.length === 32 ? out : undefined
}
