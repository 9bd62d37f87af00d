/**
 * What must hold of authority, P1 to P15, on the histories that the simulated people and liars made; histories of bare ops are played by the engine's own
 * tests. Each is one function that says what is wrong. Cheap ones are asked after each step that brought authority ops, the others when the people pause.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { Authority } from '../engine/space/authority.ts'
import { predecessors } from '../engine/space/history.ts'
import { Reference } from '../engine/space/reference.test-support.ts'
import type { Replica } from '../engine/replica.ts'
import type { Ciphersuite } from '../ports.ts'
import { type AuthorityBody, decodeAuthorityBody } from '../wire/authority.ts'
import { AUTHORITY_CHANNEL, type IdentityId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { type Problem, withHoles } from './invariants-group.ts'
import type { Ledger } from './ledger.ts'
import type { Chance } from './world.ts'

const short = (id: string): string => id.slice(0, 8)
const bodyOf = (op: Op): AuthorityBody | undefined => decodeAuthorityBody(op.header.type, op.body)
const counts = (replica: Replica, op: Op): boolean => replica.authority.verdict(op.id).type === 'valid'

/** How every op stands and why, and what the space is. */
const outcome = (authority: Authority, ops: Iterable<Op>): string =>
  [...[...ops].map(({ id }) => `${id} ${JSON.stringify(authority.verdict(id))}`).sort(), authority.stateHash()].join('\n')

/** Equal for equal sets of authority ops. */
const authorityOf = (replica: Replica): string =>
  replica.log.vector().filter((e) => e.channel === AUTHORITY_CHANNEL).map((e) => `${e.device}${e.head}`).join() + withHoles(replica)

// ---- after each step ----

export function p1SameOpsSameState(ledger: Ledger, name: string, replica: Replica): Problem {
  return ledger.differs(`state ${replica.id} ${authorityOf(replica)}`, replica.authority.stateHash(), name)
}

export function p4OneOwner({ authority: { state } }: Replica): Problem {
  // Of a conversation nobody is, and nobody may become, the owner.
  if (state.dm !== undefined) return state.owner === undefined ? undefined : 'a conversation has an owner'
  if (state.owner === undefined || !state.members.has(state.owner)) return 'the owner is no member'
  const mighty = [...state.members].filter(([, { power }]) => power >= 100).map(([identity]) => identity)
  return mighty.length === 1 && mighty[0] === state.owner ? undefined : `${mighty.length} people have the owner's power`
}

export function p12ForksAreKnownAlike(ledger: Ledger, name: string, replica: Replica): Problem {
  return ledger.differs(`forks ${replica.id} ${authorityOf(replica)}`, replica.authority.equivocations.join(), name)
}

/** `before`: the state's hash before a step that brought content only. */
export function p14ContentChangesNothing(before: string, { authority }: Replica): Problem {
  return before === authority.stateHash() ? undefined : 'content changed authority'
}

// ---- when the people pause ----

/** A removal that had seen an op leaves it alone, but where its cut ends before. */
export function p2NothingSeenIsVoided(replica: Replica, ops: readonly Op[]): Problem {
  const { authority, log } = replica
  const forked = new Set(authority.equivocations)
  for (const op of ops) {
    const verdict = authority.verdict(op.id)
    // A fork names one of its branches, which need not be a removal's doing.
    const by = verdict.type === 'void' && verdict.reason.code !== 'forked' && verdict.reason.by !== undefined ? log.authority.get(verdict.reason.by) : undefined
    const body = by === undefined ? undefined : bodyOf(by)
    if (by === undefined || body === undefined || !('cuts' in body) || !isBefore(replica, op, by)) continue
    // A cut may mend a chain that forked: what comes to count again may stand against something else.
    if (body.cuts.some(({ device }) => forked.has(device))) continue
    const last = body.cuts.find(({ device }) => device === op.header.device)?.authority
    // Of a device of its target that isn't listed it takes all there is (A13).
    const isAimedAt = 'identity' in body && body.identity === authority.identityOf(op.header.device)
    if (last === undefined ? !isAimedAt : last === op.id || isBefore(replica, op, log.authority.get(last))) return `${by.header.type} ${short(by.id)} undoes ${op.header.type} ${short(op.id)}, which it had seen within its cut`
  }
  return undefined
}

const isBefore = ({ log }: Replica, op: Op, later: Op | undefined): boolean =>
  later !== undefined && later.id !== op.id && !log.authorityOutside(later.id).some(({ id }) => id === op.id)

export function p3NobodyGivesItsOwnPower(replica: Replica, ops: readonly Op[]): Problem {
  for (const op of ops) {
    const body = bodyOf(op)
    if (body === undefined || !counts(replica, op)) continue
    const power = replica.authority.powerBehind(op.id)
    const given = body.type === 'roleCreate' || body.type === 'rolePower' ? body.power
      : (body.type === 'roleAssign' || body.type === 'invite') && body.role !== undefined ? replica.authority.stateAt(predecessors(op)).roles.get(body.role)?.power ?? 100 : -1
    if (given >= power) return `${op.header.type} ${short(op.id)} gives power ${given} with ${power}`
  }
  return undefined
}

/** Without what lies beyond the cuts of removals, the space is the same. Proof of a fork tells against its author wherever it lies. */
export async function p5BeyondCutsIsNothing(suite: Ciphersuite, replica: Replica, ops: readonly Op[]): Promise<Problem> {
  return without(suite, replica, ops, (op) => {
    const verdict = replica.authority.verdict(op.id)
    return verdict.type === 'void' && verdict.reason.code === 'removed'
  })
}

export async function p6BannedChangeNothing(suite: Ciphersuite, replica: Replica, ops: readonly Op[]): Promise<Problem> {
  const { authority } = replica
  return without(suite, replica, ops, (op) => authority.verdict(op.id).type === 'void' && authority.state.bans.has(authority.identityOf(op.header.device) as IdentityId))
}

/** Drops ops that nothing else follows, again and again. */
async function without(suite: Ciphersuite, replica: Replica, ops: readonly Op[], isDropped: (op: Op) => boolean): Promise<Problem> {
  const forked = new Set(replica.authority.equivocations)
  let rest = [...ops]
  for (let before = Infinity; rest.length < before;) {
    before = rest.length
    const followed = new Set(rest.flatMap((op) => predecessors(op)))
    rest = rest.filter((op) => followed.has(op.id) || !isDropped(op) || forked.has(op.header.device))
  }
  if (rest.length === ops.length) return undefined
  const fresh = await replay(suite, rest)
  return fresh.stateHash() === replica.authority.stateHash() ? undefined : `the space is another without ${ops.length - rest.length} ops that don't count`
}

export function p7WhatCountsWasPermitted({ authority }: Replica, ops: readonly Op[]): Problem {
  for (const op of ops) {
    const body = bodyOf(op), author = authority.identityOf(op.header.device)
    if (body === undefined || body.type === 'genesis' || body.type === 'join' || author === undefined || authority.verdict(op.id).type === 'void') continue
    const seen = predecessors(op)
    const refusal = authority.refuse(author, body, seen)
    if (refusal !== undefined) return `${body.type} ${short(op.id)} counts and was not permitted: ${refusal.code}`
    const addsItself = body.type === 'deviceAdd' && body.device === op.header.device
    if (!addsItself && authority.deviceAt(op.header.device, seen) !== author) return `${body.type} ${short(op.id)} counts, of a device that was not authorised`
  }
  return undefined
}

export async function p8AgainChangesNothing({ authority }: Replica, ops: readonly Op[]): Promise<Problem> {
  const { state } = authority
  for (const op of ops) if (authority.verdict(op.id).type === 'void') await authority.add(op)
  return authority.state === state ? undefined : 'void ops that came again changed the state'
}

/** Nobody alone changes what is at or above their power, so no coalition does. */
export function p9RolesAboveStay(replica: Replica, ops: readonly Op[]): Problem {
  for (const op of ops) {
    const body = bodyOf(op)
    if (body === undefined || !('role' in body) || body.role === undefined || body.type === 'roleCreate' || body.type === 'channelOverride' || body.type === 'invite' || !counts(replica, op)) continue
    if (body.type === 'roleUnassign' && body.identity === replica.authority.identityOf(op.header.device)) continue
    const role = replica.authority.stateAt(predecessors(op)).roles.get(body.role)
    if (role !== undefined && role.power >= replica.authority.powerBehind(op.id)) return `${body.type} ${short(op.id)} changes a role that is not below its author`
  }
  return undefined
}

/** What somebody did who had been removed counts only where the removal's cut, as far as that works, holds it, or where they had seen it and come back. */
export function p10LateOpsDontCount(replica: Replica, ops: readonly Op[]): Problem {
  const { authority, log } = replica
  for (const removal of ops) {
    const body = bodyOf(removal)
    if (body === undefined || (body.type !== 'kick' && body.type !== 'ban') || !counts(replica, removal) || !authority.worksByCut(removal.id)) continue
    for (const op of ops) {
      if (op === removal || !counts(replica, op) || authority.identityOf(op.header.device) !== body.identity || op.header.type === 'genesis') continue
      if (isBefore(replica, removal, op)) continue
      // A removal never takes the joining of its own target.
      if (op.header.type === 'join' && isBefore(replica, op, removal)) continue
      const last = body.cuts.find(({ device }) => device === op.header.device)?.authority
      const isWithin = last === op.id || (last !== undefined && isBefore(replica, op, log.authority.get(last)))
      if (!isWithin) return `${op.header.type} ${short(op.id)} counts, beyond the cut of ${body.type} ${short(removal.id)}`
    }
  }
  return undefined
}

/** What somebody said after they had heard that they were removed, as if before, counts nowhere, where some removal that stands says how far they went there and none at the same time leaves it open. */
export function p10LateWordsDontCount(replica: Replica, ops: readonly Op[], late: readonly Op[]): Problem {
  const removals = ops.flatMap((op) => {
    const body = bodyOf(op)
    return body !== undefined && (body.type === 'kick' || body.type === 'ban') && counts(replica, op) ? [{ identity: body.identity, cuts: body.cuts }] : []
  })
  for (const { id, header } of late) {
    if (header.space !== replica.id || !header.deps.every((dep) => replica.log.authority.has(dep))) continue
    const against = removals.filter(({ identity }) => replica.authority.identityOf(header.device) === identity)
    const isClosed = against.length > 0 && against.every(({ cuts }) => {
      const ends = cuts.find(({ device }) => device === header.device)?.ends
      return ends !== undefined && (ends.all || ends.chains.some(({ channel }) => channel === header.channel))
    })
    if (isClosed && replica.authority.contentVerdict(header).type === 'valid') return `${short(id)} counts, said by somebody who had been removed`
  }
  return undefined
}

/** Of people who remove each other at the same time, not both succeed. */
export function p11NoCircleStands(replica: Replica, ops: readonly Op[]): Problem {
  const removals = ops.flatMap((op) => {
    const body = bodyOf(op), author = replica.authority.identityOf(op.header.device)
    return body !== undefined && (body.type === 'kick' || body.type === 'ban') && author !== undefined && counts(replica, op) ? [{ op, author, target: body.identity }] : []
  })
  for (const a of removals) {
    for (const b of removals) {
      if (a.author !== b.target || b.author !== a.target || isBefore(replica, a.op, b.op) || isBefore(replica, b.op, a.op)) continue
      return `${short(a.author)} and ${short(b.author)} removed each other, and both count`
    }
  }
  return undefined
}

/** From scratch, in another order and with everything twice. */
export async function p13FromScratchIsTheSame(suite: Ciphersuite, replica: Replica, ops: readonly Op[], chance: Chance): Promise<Problem> {
  const fresh = await replay(suite, shuffled(ops, chance), true)
  return outcome(fresh, ops) === outcome(replica.authority, ops) ? undefined : 'another order of delivery gives another outcome'
}

/** The rules as somebody else wrote them down. */
export function p15ReferenceAgrees({ authority }: Replica, ops: readonly Op[]): Problem {
  const reference = new Reference(ops, (key, signature, message) => {
    try { return ed25519.verify(signature, message, key, { zip215: false }) } catch { return false }
  })
  const other = ops.find((op) => reference.isVoid(op.id) !== (authority.verdict(op.id).type === 'void'))
  if (other !== undefined) return `the reference says that ${other.header.type} ${short(other.id)} ${reference.isVoid(other.id) ? 'is void' : 'counts'}`
  const said = reference.now()
  if (said.owner !== authority.state.owner) return 'the reference has another owner'
  const members = [...authority.state.members].map(([identity, { power }]) => `${identity} ${power}`)
  return members.join() === [...said.members].sort().map((identity) => `${identity} ${said.power(identity)}`).join() ? undefined : 'the reference has other members'
}

async function replay(suite: Ciphersuite, ops: readonly Op[], twice = false): Promise<Authority> {
  const authority = new Authority(suite)
  for (const op of ops) {
    await authority.add(op)
    if (twice) await authority.add(op)
  }
  return authority
}

/** Any order in which what an op follows comes before it. */
function shuffled(ops: readonly Op[], chance: Chance): Op[] {
  const out: Op[] = []
  const done = new Set<string>()
  const open = [...ops]
  while (open.length > 0) {
    const ready = open.filter((op) => predecessors(op).every((id) => done.has(id)))
    const op = chance.pick(ready)
    if (op === undefined) throw new Error('the log has an op without its predecessors')
    open.splice(open.indexOf(op), 1)
    done.add(op.id)
    out.push(op)
  }
  return out
}
