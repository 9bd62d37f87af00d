/**
 * Words for one device alone. Where an envelope can be opened by people who are no members any more, what only a member may know is sealed once more, for the
 * device that needs it: where somebody is, or what happened since it was last here.
 */
import { concat, fromHex } from '../wire/bytes.ts'
import { decodePayload, encodePayload, type Payload } from '../wire/envelope.ts'
import type { DeviceId } from '../wire/ids.ts'
import { LABELS } from './labels.ts'
import type { Replica } from './replica.ts'

const aad = ({ id }: Replica, to: DeviceId): Uint8Array => concat(fromHex(id) as Uint8Array, fromHex(to) as Uint8Array)

/** Undefined where the device isn't known. */
export async function sealAside(replica: Replica, payload: Payload, to: DeviceId): Promise<(Payload & { readonly type: 'aside' }) | undefined> {
  const boxKey = replica.authority.state.devices.get(to)?.boxKey
  return boxKey === undefined ? undefined : { type: 'aside', sealed: await replica.world.suite.sealTo(boxKey, LABELS.asideSeal, aad(replica, to), encodePayload(payload)) }
}

/** What was sealed for this device, and may be said so; undefined for anything else. */
export async function openAside(replica: Replica, sealed: Uint8Array): Promise<Payload | undefined> {
  const { me: { boxKey, device }, world } = replica
  const plain = await world.suite.openFrom(boxKey.secretKey, LABELS.asideSeal, aad(replica, device), sealed)
  const payload = plain === undefined ? undefined : decodePayload(plain)
  return payload?.type === 'presence' || payload?.type === 'ops' || payload?.type === 'tree' ? payload : undefined
}
