/** Devices: which there are, and the end of one that was lost or sold. */
import { type AuthorityBody, revokeProofBytes } from '../../wire/authority.ts'
import { fail } from '../errors.ts'
import { NEEDS_PHRASE } from './identity.ts'
import { refreshGroups, type AskedIn, change, type Refusal, type Run } from './asked.ts'

/** One's own with a signature of the identity key, so that no thief of one device can sign out the others; those of others as a removal. */
export async function revokeDevice(asked: AskedIn, c: Run<'revoke-device'>): Promise<Refusal> {
  const { engine, replica: { authority, log, me, id } } = asked
  const identity = authority.identityOf(c.device)
  if (identity === undefined) return fail('unknown-device')
  const cuts = authority.cutsFor(identity, log.deviceHeads).filter((cut) => cut.device === c.device)
  const own = identity === me.identity
  if (own && me.identityKey === undefined) return NEEDS_PHRASE
  const proof = own && me.identityKey !== undefined ? { identityPk: me.identityPk, signature: await engine.world.suite.sign(me.identityKey.secretKey, revokeProofBytes(id, c.device)) } : undefined
  const body: AuthorityBody = { type: 'deviceRevoke', device: c.device, cuts, proof }
  const refused = await change(asked, body)
  if (refused !== undefined) return refused
  await refreshGroups(asked)
  return undefined
}
