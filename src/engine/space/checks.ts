/**
 * What is checked once per op, when it comes in: its form, the signatures inside its body, and that its cuts and references lie in its own past.
 * The outcome depends on the op and its past alone, so that it is the same on every device.
 */
import type { Ciphersuite } from '../../ports.ts'
import {
  type AuthorityBody, type BodyOf, certSignature, certSignedBytes, certBoxKey, type Cut, decodeAuthorityBody, deviceConsentBytes, hashCert, identityOfKey,
  isAuthorityType, joinProofBytes, recoverBytes, revokeProofBytes, selfAddBytes,
} from '../../wire/authority.ts'
import { equal, fromHex, toHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type IdentityId, type OpId, type SpaceId } from '../../wire/ids.ts'
import { decodeHeader, type Op, type OpHeader, opSignedBytes } from '../../wire/op.ts'
import { isAfter } from '../log/vouching.ts'
import { certifier, type Checked, cutsOf, type History, type Node } from './history.ts'
import type { Past } from './past.ts'
import type { ReasonCode } from './reasons.ts'

/** Invites of one id that a join's proof is tried against: more than one is an attack already. */
const MAX_TWIN_INVITES = 4

/** What the signatures inside an op's body turned out to be; where a join's proof fits an invite, the id of that. Kept: to check them again at every start would take as long as all else there. */
export type Proof = 'fine' | 'forged' | OpId
const PROVED: ReadonlySet<string> = new Set(['genesis', 'join', 'deviceAdd', 'deviceRevoke'])

/** What to keep of an op that was checked. */
export function proofOf(history: History, { type, flaw, invite }: Node): Proof | undefined {
  if (!PROVED.has(type) || (flaw !== undefined && flaw.code !== 'bad-signature')) return undefined
  return flaw !== undefined ? 'forged' : invite === undefined ? 'fine' : history.node(invite).id
}

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
const NOTHING = { invite: undefined, certHash: undefined, fork: undefined } as const

/** `proof`: what came of it when the op came in. */
export async function check(suite: Ciphersuite, history: History, op: Op, past: Past, proof?: Proof): Promise<Checked> {
  const { type, device, channel } = op.header
  const body = decodeAuthorityBody(type, op.body)
  const author = authorOf(suite, history, op, past, body)
  const flawed = (code: ReasonCode): Checked => ({ ...NOTHING, body: undefined, author, flaw: { code } })
  if (isAuthorityType(type) && body === undefined) return flawed('malformed')
  if (channel !== AUTHORITY_CHANNEL || (type === 'genesis') !== (history.space === undefined)) return flawed('malformed')
  if (body === undefined) return { ...NOTHING, body, author, flaw: undefined }
  if (cutsOf(body).some((cut) => !seen(history, past, cut))) return flawed('bad-cut')
  const space = history.space ?? (op.id as string as SpaceId)
  const signed = recalled(history, past, type, proof) ?? await signatures(suite, history, op, past, body, space, author)
  if (signed === undefined || signed === 'forged') return flawed('bad-signature')
  const cert = body.type === 'genesis' || body.type === 'join' || body.type === 'deviceAdd' ? body : undefined
  const certified = body.type === 'deviceAdd' ? body.device : device
  const certHash = cert === undefined ? undefined : hashCert(cert.identityPk, certified, cert.cert, (...parts) => suite.sha256(...parts))
  return { body, author, flaw: undefined, certHash, invite: signed.invite, fork: signed.fork }
}

/** A device speaks for the identity that certified it: in this op, or in the first certifying op (by id) of its past. */
function authorOf(suite: Ciphersuite, history: History, op: Op, past: Past, body: AuthorityBody | undefined): IdentityId | undefined {
  if (body?.type === 'genesis' || body?.type === 'join' || (body?.type === 'deviceAdd' && body.device === op.header.device)) return identityOfKey(body.identityPk, (...parts) => suite.sha256(...parts))
  return certifier(history, op.header.device, past)
}

/** What a cut names must be in the restriction's past, in that device's chain: nobody fixes what they haven't seen. */
function seen(history: History, past: Past, cut: Cut): boolean {
  if (cut.authority === undefined) return true
  const index = history.indexOf(cut.authority)
  return index !== undefined && past.has(index) && history.node(index).device === cut.device
}

type Signed = Pick<Checked, 'invite' | 'fork'>
const FINE: Signed = { invite: undefined, fork: undefined }

/** undefined: to be checked. */
function recalled(history: History, past: Past, type: string, proof: Proof | undefined): Signed | 'forged' | undefined {
  if (proof === undefined || !PROVED.has(type)) return undefined
  if (proof === 'forged') return 'forged'
  if (proof === 'fine') return FINE
  const invite = history.indexOf(proof)
  return invite !== undefined && past.has(invite) ? { ...FINE, invite } : undefined
}

/** undefined when a signature inside the body is wrong. */
async function signatures(
  suite: Ciphersuite, history: History, op: Op, past: Past, body: AuthorityBody, space: SpaceId, author: IdentityId | undefined,
): Promise<Signed | undefined> {
  const { device } = op.header
  switch (body.type) {
    case 'genesis': return (await certifies(suite, body, device)) ? FINE : undefined
    case 'join': {
      if (!(await certifies(suite, body, device))) return undefined
      const offers = history.writes(`invite ${body.invite}`).filter((i) => past.has(i)).sort((a, b) => (history.node(a).id < history.node(b).id ? -1 : 1))
      if (offers.length === 0) return FINE
      const invite = await inviteFor(suite, history, offers, body, joinProofBytes(space, body.invite, device, author as IdentityId))
      return invite === undefined ? undefined : { ...FINE, invite }
    }
    case 'deviceAdd': {
      const identity = identityOfKey(body.identityPk, (...parts) => suite.sha256(...parts))
      if (identity !== author || !(await certifies(suite, body, body.device))) return undefined
      // With a certificate alone a linked device that was ended elsewhere could come into spaces that know nothing of it.
      const [by, said] = body.device === device ? [body.identityPk, selfAddBytes(space, device)] : [raw(body.device), deviceConsentBytes(space, body.device, identity)]
      return (await suite.verify(by, body.consent, said)) ? FINE : undefined
    }
    case 'deviceRevoke': {
      if (body.proof === undefined) return FINE
      const { identityPk, signature } = body.proof
      if (identityOfKey(identityPk, (...parts) => suite.sha256(...parts)) !== author) return undefined
      return (await suite.verify(identityPk, signature, revokeProofBytes(space, body.device))) ? FINE : undefined
    }
    case 'recover': return (await enoughRecoverers(suite, history, past, body, recoverBytes(space, body.set, body.to))) ? FINE : undefined
    case 'forkProof': return forkShown(suite, body, space)
    default: return FINE
  }
}

const certifies = (suite: Ciphersuite, body: { readonly identityPk: Uint8Array; readonly cert: Uint8Array }, device: DeviceId): Promise<boolean> =>
  suite.verify(body.identityPk, certSignature(body.cert), certSignedBytes(device, certBoxKey(body.cert)))

/** The invite whose secret the joiner holds. Two invites may carry one id by malice: the proof tells which is meant. */
async function inviteFor(suite: Ciphersuite, history: History, offers: readonly number[], body: BodyOf<'join'>, signed: Uint8Array): Promise<number | undefined> {
  for (const index of offers.slice(0, MAX_TWIN_INVITES)) {
    const offer = history.node(index).body
    if (offer?.type === 'invite' && (await suite.verify(offer.joinPk, body.proof, signed))) return index
  }
  return undefined
}

async function enoughRecoverers(suite: Ciphersuite, history: History, past: Past, body: BodyOf<'recover'>, signed: Uint8Array): Promise<boolean> {
  const index = history.indexOf(body.set)
  const set = index === undefined || !past.has(index) ? undefined : history.node(index).body
  if (set?.type !== 'recoverySet' || set.threshold === 0 || body.signatures.length < set.threshold) return false
  for (const { identityPk, signature } of body.signatures) {
    const identity = identityOfKey(identityPk, (...parts) => suite.sha256(...parts))
    if (!set.identities.includes(identity) || !(await suite.verify(identityPk, signature, signed))) return false
  }
  return true
}

/** Two different headers of this space, signed by one device for one place of its chain. */
async function forkShown(suite: Ciphersuite, body: BodyOf<'forkProof'>, space: SpaceId): Promise<Signed | undefined> {
  const first = decodeHeader(body.first), second = decodeHeader(body.second)
  if (first === undefined || second === undefined || first.space !== space || second.space !== space || first.device !== second.device) return undefined
  const same = first.seq === second.seq || (first.channel === second.channel && first.chanSeq === second.chanSeq)
  if (!same || equal(body.first, body.second)) return undefined
  for (const [bytes, run, sig] of [[body.first, body.firstRun, body.firstSig], [body.second, body.secondRun, body.secondSig]] as const) {
    const end = endOf(suite, [bytes, ...run])
    if (end === undefined || !(await suite.verify(raw(first.device), sig, opSignedBytes(end)))) return undefined
  }
  return { ...FINE, fork: { device: first.device, seq: Math.min(first.seq, second.seq) } }
}

/** The id of the last of these headers, when each follows the one before it in one chain of content. */
function endOf(suite: Ciphersuite, headers: readonly Uint8Array[]): Uint8Array | undefined {
  let before: { readonly id: Uint8Array; readonly header: OpHeader } | undefined
  for (const bytes of headers) {
    const id = suite.sha256(bytes), header = decodeHeader(bytes)
    if (header === undefined) return undefined
    const isNext = before === undefined || isAfter(header, { id: toHex(before.id) as OpId, header: before.header })
    if (!isNext) return undefined
    before = { id, header }
  }
  return before?.id
}
