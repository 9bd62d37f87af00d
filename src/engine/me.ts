/**
 * Making and restoring this person's identity and this device's keys.
 *
 *   secret (16 bytes, twelve words) ──► identity's seed ──► identity key     certifies devices, ends them, and recovers: nothing else
 *                                            └──► key between own devices
 *
 * The secret is where the identity was made, and wherever its phrase was typed in. Other devices have keys of their own and a certificate.
 */
import type { Ciphersuite, SigningKey } from '../ports.ts'
import { certSignedBytes, encodeCert, hashCert, identityOfKey } from '../wire/authority.ts'
import { toHex } from '../wire/bytes.ts'
import type { DeviceId } from '../wire/ids.ts'
import type { IdentityRecord, MeRecord } from '../wire/records.ts'
import { LABELS } from './labels.ts'
import type { Me, World } from './turn.ts'

const SECRET_BYTES = 16

/** Before there were phrases the secret was the seed itself. */
const seedOf = (suite: Ciphersuite, secret: Uint8Array): Uint8Array => (secret.length === SECRET_BYTES ? suite.sha256(LABELS.identitySeed, secret) : secret)
const ownKeyOf = (suite: Ciphersuite, seed: Uint8Array): Uint8Array => suite.expand(seed, 32, LABELS.ownDevices)

export const identityKeyOf = (suite: Ciphersuite, secret: Uint8Array): Promise<SigningKey> => suite.signingKey(seedOf(suite, secret))

/** A new person, or a further device of the one whose secret is given. */
export async function makeMe({ suite, random }: World, name: string, secret: Uint8Array = random.bytes(SECRET_BYTES)): Promise<MeRecord> {
  const deviceSeed = random.bytes(32), boxSeed = random.bytes(32)
  const { publicKey: devicePk } = await suite.signingKey(deviceSeed), { publicKey: boxPk } = await suite.boxKey(boxSeed)
  return { identity: { type: 'held', secret }, deviceSeed, boxSeed, cert: await certify(suite, await identityKeyOf(suite, secret), devicePk, boxPk), name }
}

/** The identity's word that a device is this person's. */
export async function certify(suite: Ciphersuite, identityKey: SigningKey, devicePk: Uint8Array, boxPk: Uint8Array): Promise<Uint8Array> {
  return encodeCert(boxPk, await suite.sign(identityKey.secretKey, certSignedBytes(toHex(devicePk) as DeviceId, boxPk)))
}

export async function restoreMe(suite: Ciphersuite, record: MeRecord): Promise<Me> {
  const sha = (...parts: readonly Uint8Array[]): Uint8Array => suite.sha256(...parts)
  // Side by side: every start waits for them.
  const [deviceKey, { identityPk, identityKey, ownKey }, boxKey] = await Promise.all([suite.signingKey(record.deviceSeed), identityFrom(suite, record.identity), suite.boxKey(record.boxSeed)])
  const device = toHex(deviceKey.publicKey) as DeviceId
  return {
    identity: identityOfKey(identityPk, sha), identityPk, identityKey, ownKey, device, deviceKey, boxKey,
    cert: record.cert, certHash: hashCert(identityPk, device, record.cert, sha), name: record.name,
  }
}

async function identityFrom(suite: Ciphersuite, record: IdentityRecord): Promise<Pick<Me, 'identityPk' | 'identityKey' | 'ownKey'>> {
  if (record.type === 'certified') return { identityPk: record.publicKey, identityKey: undefined, ownKey: record.ownKey }
  const identityKey = await identityKeyOf(suite, record.secret)
  return { identityPk: identityKey.publicKey, identityKey, ownKey: ownKeyOf(suite, seedOf(suite, record.secret)) }
}
