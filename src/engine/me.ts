/** Making and restoring this person's identity and this device's keys. */
import type { Ciphersuite } from '../ports.ts'
import { certSignedBytes, encodeCert, hashCert, identityOfKey } from '../wire/authority.ts'
import { toHex } from '../wire/bytes.ts'
import type { DeviceId } from '../wire/ids.ts'
import { encodeMe, type MeRecord } from '../wire/records.ts'
import type { Me, Turn, World } from './turn.ts'

/** A new person, or a further device of the one whose seed is given. */
export async function makeMe(world: World, name: string, seed?: Uint8Array): Promise<MeRecord> {
  const { suite, random } = world
  const identitySeed = seed ?? random.bytes(32), deviceSeed = random.bytes(32), boxSeed = random.bytes(32)
  const identityKey = await suite.signingKey(identitySeed)
  const device = toHex((await suite.signingKey(deviceSeed)).publicKey) as DeviceId
  const boxPk = (await suite.boxKey(boxSeed)).publicKey
  const cert = encodeCert(boxPk, await suite.sign(identityKey.secretKey, certSignedBytes(device, boxPk)))
  return { identitySeed, deviceSeed, boxSeed, cert, name }
}

export async function restoreMe(suite: Ciphersuite, record: MeRecord): Promise<Me> {
  const sha = (...parts: readonly Uint8Array[]): Uint8Array => suite.sha256(...parts)
  const identityKey = await suite.signingKey(record.identitySeed)
  const deviceKey = await suite.signingKey(record.deviceSeed)
  const device = toHex(deviceKey.publicKey) as DeviceId
  return {
    identity: identityOfKey(identityKey.publicKey, sha), identityKey, device, deviceKey, boxKey: await suite.boxKey(record.boxSeed),
    cert: record.cert, certHash: hashCert(identityKey.publicKey, device, record.cert, sha), name: record.name,
  }
}

export function saveMe(turn: Turn, record: MeRecord): void { turn.out.put('me', new Uint8Array([0]), encodeMe(record)) }
