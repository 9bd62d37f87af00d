/**
 * A space whose owner is lost: some of those whom the owner named sign for a new owner, hand their signatures to one member by whatever way they have,
 * and that member's device makes the op that counts. An owner who is there can contest it (A18).
 */
import type { ApiError } from '../../api.ts'
import { identityOfKey, MAX_RECOVERERS, recoverBytes } from '../../wire/authority.ts'
import { toHex } from '../../wire/bytes.ts'
import type { IdentityId } from '../../wire/ids.ts'
import { decodeRecoverySignature, encodeRecoverySignature, type RecoverySignature } from '../../wire/recovery.ts'
import { cutsOf } from '../cuts.ts'
import { fail } from '../errors.ts'
import type { Replica } from '../replica.ts'
import { type AskedIn, change, type Refusal, type Run } from './asked.ts'
import { NEEDS_PHRASE } from './identity.ts'

type RecoverySet = NonNullable<Replica['authority']['state']['recovery']>

export function setRecovery(asked: AskedIn, c: Run<'set-recovery'>): Promise<Refusal> | Refusal {
  const { members } = asked.replica.authority.state
  if (c.members.some((member) => !members.has(member))) return fail('unknown-member')
  if (c.members.length > MAX_RECOVERERS) return fail('limit-reached', 'A recovery set has sixteen people at most.')
  if (c.threshold > c.members.length) return fail('bad-request', 'As many must sign as there are people in the set, or fewer.')
  return change(asked, { type: 'recoverySet', threshold: c.threshold, identities: [...c.members].sort() })
}

export function endRecovery(asked: AskedIn): Promise<Refusal> | Refusal {
  const { replica, turn, asker } = asked
  if (replica.authority.state.recovery !== undefined) return change(asked, { type: 'recoverySet', threshold: 0, identities: [] })
  turn.out.reply(asker, {})
  return undefined
}

/** This person's word for a new owner. Changes nothing by itself. */
export async function signRecovery({ turn, asker, replica }: AskedIn, c: Run<'sign-recovery'>): Promise<Refusal> {
  const wrong = mayBeRecovered(replica, c.member)
  if ('code' in wrong) return wrong
  if (!wrong.identities.includes(replica.me.identity)) return fail('not-allowed', 'The owner did not name you as one of those who can recover this space.')
  const signature = await sign(replica, wrong, c.member)
  if (signature === undefined) return NEEDS_PHRASE
  turn.out.reply(asker, { signature: encodeRecoverySignature(signature, (b) => replica.world.suite.sha256(b)) })
  return undefined
}

/** With the signatures of others, and this person's own where they are one of the set. */
export async function recover(asked: AskedIn, c: Run<'recover'>): Promise<Refusal> {
  const { replica } = asked
  const set = mayBeRecovered(replica, c.member)
  if ('code' in set) return set
  const signatures = new Map<string, RecoverySignature>()
  for (const text of c.signatures) {
    const signature = await checked(replica, set, c.member, text)
    if ('code' in signature) return signature
    signatures.set(toHex(signature.identityPk), signature)
  }
  const own = set.identities.includes(replica.me.identity) ? await sign(replica, set, c.member) : undefined
  if (own !== undefined) signatures.set(toHex(own.identityPk), own)
  if (own === undefined && set.identities.includes(replica.me.identity) && signatures.size === set.threshold - 1) return NEEDS_PHRASE
  if (signatures.size < set.threshold) return fail('recovery-incomplete', `${signatures.size} of ${set.threshold} signatures are here. Ask the others of the recovery set for theirs.`)
  const { owner } = replica.authority.state
  const sorted = [...signatures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { identityPk, signature }]) => ({ identityPk, signature }))
  return change(asked, { type: 'recover', to: c.member, set: set.set, cuts: owner === undefined ? [] : cutsOf(replica, [owner]), signatures: sorted })
}

function mayBeRecovered(replica: Replica, to: IdentityId): RecoverySet | ApiError {
  const { recovery, members } = replica.authority.state
  if (recovery === undefined) return fail('no-recovery')
  return members.has(to) ? recovery : fail('unknown-member')
}

/** undefined: this device has no key to sign with (A34). */
async function sign(replica: Replica, { set }: RecoverySet, to: IdentityId): Promise<RecoverySignature | undefined> {
  const { me, world, id: space } = replica
  return me.identityKey && { space, set, to, identityPk: me.identityPk, signature: await world.suite.sign(me.identityKey.secretKey, recoverBytes(space, set, to)) }
}

/** A signature that counts, or what is wrong with it in words that tell whom to ask again. */
async function checked(replica: Replica, { set, identities }: RecoverySet, to: IdentityId, text: string): Promise<RecoverySignature | ApiError> {
  const { world: { suite }, id: space, authority } = replica
  const signature = decodeRecoverySignature(text, (b) => suite.sha256(b))
  if (signature === undefined || !(await suite.verify(signature.identityPk, signature.signature, recoverBytes(signature.space, signature.set, signature.to)))) {
    return fail('recovery-invalid', 'One of the signatures is damaged or incomplete. Ask for it again and copy all of it.')
  }
  const giver = identityOfKey(signature.identityPk, (...parts) => suite.sha256(...parts))
  const name = authority.nameOf(giver) || 'Somebody'
  if (signature.space !== space) return fail('recovery-invalid', `${name}’s signature is for another space.`)
  if (!identities.includes(giver)) return fail('recovery-invalid', `${name} is not one of the recovery set.`)
  if (signature.set !== set) return fail('recovery-invalid', `${name}’s signature was made for an earlier recovery set. Ask ${name} to sign again.`)
  if (signature.to !== to) return fail('recovery-invalid', `${name} signed for somebody else as the new owner.`)
  return signature
}
