/**
 * First contact: a link into a direct conversation, for one device of somebody with whom one shares a space. It goes the space's ways, sealed once more so that only
 * that device opens it: the others see that somebody wants to talk to somebody, and neither who nor to whom. The conversation itself is a space of its own.
 *
 *   plaintext   device (32) || signature (64) over what follows, the space and the device it is for || link in UTF-8
 */
import type { Engine } from './engine.ts'
import { concat, fromHex, fromUtf8, utf8 } from '../wire/bytes.ts'
import { type DeviceId, type IdentityId, parseDeviceId } from '../wire/ids.ts'
import { decodeLink } from '../wire/invite.ts'
import { postUnder } from './distribute.ts'
import { Joining } from './joining.ts'
import { LABELS } from './labels.ts'
import { MAX_CONTACTS_OPEN, MAX_SPACES } from './limits.ts'
import { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

const HEAD_BYTES = 96

/** Of a conversation that nobody has named. */
export const DM_NAME = 'DM'

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
const signedBytes = (replica: Replica, to: DeviceId, link: Uint8Array): Uint8Array => concat(LABELS.contactSign, raw(replica.id), raw(to), link)
const aadOf = (replica: Replica, to: DeviceId): Uint8Array => concat(raw(replica.id), raw(to))

/** Sends a link to every device of some members. */
export async function contact(engine: Engine, turn: Turn, replica: Replica, members: readonly IdentityId[], link: string): Promise<void> {
  const { me, world, everyone } = replica
  const tip = everyone.groups.tip()
  if (tip === undefined) return
  for (const [device, { identity, boxKey }] of replica.authority.state.devices) {
    if (!members.includes(identity)) continue
    const sig = await world.suite.sign(me.deviceKey.secretKey, signedBytes(replica, device, utf8(link)))
    const sealed = await world.suite.sealTo(boxKey, LABELS.contactSeal, aadOf(replica, device), concat(raw(me.device), sig, utf8(link)))
    const payload = { type: 'contact', sealed } as const
    await postUnder(turn, everyone, tip, payload, undefined, true)
    const bytes = replica.mail.seal(tip, payload)
    if (bytes !== undefined) engine.peers.signal(turn, replica, bytes, new Set([device]))
  }
}

/** Follows a link that was meant for this device, if a member sent it. Whether it leads into a conversation shows when its kit is here. */
export async function takeContact(engine: Engine, turn: Turn, replica: Replica, sealed: Uint8Array): Promise<void> {
  const { me, world, authority } = replica
  const plain = await world.suite.openFrom(me.boxKey.secretKey, LABELS.contactSeal, aadOf(replica, me.device), sealed)
  const device = plain === undefined || plain.length < HEAD_BYTES ? undefined : parseDeviceId(plain.subarray(0, 32))
  if (plain === undefined || device === undefined || !authority.state.devices.has(device)) return
  const text = plain.subarray(HEAD_BYTES)
  if (!(await world.suite.verify(raw(device), plain.subarray(32, HEAD_BYTES), signedBytes(replica, me.device, text)))) return
  const link = decodeLink(fromUtf8(text) ?? '', (bytes) => world.suite.sha256(bytes))
  if (link === undefined || link === 'newer' || link.expiresAt <= turn.now || engine.replicas.has(link.space)) return
  const open = [...engine.replicas.values()].filter((other) => other.record.state === 'contacted').length
  if (engine.replicas.size >= MAX_SPACES || (open >= MAX_CONTACTS_OPEN && !engine.joins.makeRoom(turn))) return
  const other = new Replica(world, me, link.space, { state: 'contacted', relays: link.relays, link: fromUtf8(text) ?? '', createdAt: turn.now })
  other.save(turn, other.record)
  engine.addReplica(turn, other)
  engine.joins.resume(await Joining.begin(turn, other, link, undefined))
}
