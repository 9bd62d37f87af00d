/** Devices: which there are, and the end of one that was lost or sold. */
import { type AuthorityBody, revokeProofBytes } from '../../wire/authority.ts'
import { utf8 } from '../../wire/bytes.ts'
import type { DeviceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { cutsOf } from '../cuts.ts'
import { fail } from '../errors.ts'
import { MAX_NAME_CHARS } from '../limits.ts'
import { NEEDS_PHRASE } from './identity.ts'
import { type Asked, refreshGroups, type AskedIn, change, type Refusal, type Run } from './asked.ts'

export function deviceName(engine: Engine, device: DeviceId): string {
  const value = engine.ownNotes.value('device', device)
  return value === undefined ? '' : new TextDecoder().decode(value)
}

/** For this person's devices alone: what somebody carries is nobody's business. */
export async function nameDevice({ engine, turn, asker }: Asked, c: Run<'name-device'>): Promise<Refusal> {
  const { me } = engine, name = c.name.trim()
  const isMine = me !== undefined && (c.device === me.device || [...engine.replicas.values()].some((replica) => replica.authority.identityOf(c.device) === me.identity))
  if (!isMine) return fail('unknown-device')
  if (name.length > MAX_NAME_CHARS) return fail('name-too-long')
  if (!(await engine.ownNotes.note(turn, 'device', c.device, utf8(name)))) return fail('limit-reached')
  turn.out.reply(asker, {})
  return undefined
}

/** One's others with a signature of the identity key, so that no thief of one device can sign them out; those of others as a removal. */
export async function revokeDevice(asked: AskedIn, c: Run<'revoke-device'>): Promise<Refusal> {
  const { engine, replica, replica: { authority, me, id } } = asked
  const identity = authority.identityOf(c.device)
  if (identity === undefined) return fail('unknown-device')
  const cuts = cutsOf(replica, [identity]).filter((cut) => cut.device === c.device)
  const own = identity === me.identity
  // A device may end itself: nothing is lost by it that whoever holds it couldn't throw away.
  if (own && c.device !== me.device && me.identityKey === undefined) return NEEDS_PHRASE
  const proof = own && me.identityKey !== undefined ? { identityPk: me.identityPk, signature: await engine.world.suite.sign(me.identityKey.secretKey, revokeProofBytes(id, c.device)) } : undefined
  const body: AuthorityBody = { type: 'deviceRevoke', device: c.device, cuts, proof }
  const refused = await change(asked, body)
  if (refused !== undefined) return refused
  await refreshGroups(asked)
  return undefined
}
