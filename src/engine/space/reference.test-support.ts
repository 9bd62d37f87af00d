/**
 * A second resolver, written from ../RULES.md and not from the code: plain sets, everything from scratch, no index and no cleverness.
 * Slow and short on purpose. The real one must agree with it on every history.
 */
import { certBoxKey, certSignature, certSignedBytes, decodeAuthorityBody, deviceConsentBytes, EVERYONE, identityOfKey, isAuthorityType, joinProofBytes, recoverBytes, revokeProofBytes, selfAddBytes } from '../../wire/authority.ts'
import { fromHex } from '../../wire/bytes.ts'
import { decodeHeader, type Op } from '../../wire/op.ts'
import type { SpaceId } from '../../wire/ids.ts'
import { permits } from './reference-rights.test-support.ts'
import { type Entry, said, type Said, smaller } from './reference-said.test-support.ts'
import { toySuite, toyVerify } from './village.test-support.ts'

const sha = (...parts: readonly Uint8Array[]): Uint8Array => toySuite.sha256(...parts)

type Lasting = { entry: Entry; targets: string[]; device: string | undefined; takes: 'all' | 'power' | 'other'; power: number; rank: number }
type Frozen = { chanSeq: number; seq: number; fixers: Lasting[] }

export class Reference {
  private readonly all: Entry[] = []
  private readonly byId = new Map<string, Entry>()
  private voids = new Set<string>()
  private powers = new Map<string, number>()
  private chosen: readonly Lasting[] = []
  space = ''

  private readonly verifies: typeof toyVerify

  /** Ops in causal order, signed as `verifies` can tell. */
  constructor(ops: readonly Op[], verifies = toyVerify) {
    this.verifies = verifies
    for (const op of ops) this.note(op)
    this.run()
  }

  isVoid(id: string): boolean { return this.voids.has(id) }

  /** A26, of removals alone: whether content at this place of its device's chains was taken back, if its author had seen these ops. */
  takesBack(author: string, place: { readonly device: string; readonly seq: number; readonly channel: string; readonly chanSeq: number }, seen: ReadonlySet<string>): boolean {
    const removals = this.chosen.filter((r) => r.takes === 'all' && r.targets.includes(author) && (r.device === undefined || r.device === place.device) && !seen.has(r.entry.id))
    const holds = (r: Lasting): boolean => {
      const cut = r.entry.body !== undefined && 'cuts' in r.entry.body ? r.entry.body.cuts.find((c) => c.device === place.device) : undefined
      const named = cut?.ends?.chains.filter((chain) => chain.channel === place.channel) ?? []
      return cut !== undefined && place.seq <= cut.seq && (cut.ends?.all !== true || named.length > 0) && named.every((chain) => place.chanSeq <= chain.chanSeq)
    }
    return removals.some((r) => !holds(r) && !removals.some((other) => this.apart(r.entry, other.entry) && holds(other)))
  }

  now(): Said { return said(this.all.filter((e) => !this.voids.has(e.id)), this.powers) }

  private note(op: Op): void {
    const parents = [...op.header.deps, ...(op.header.chanPrev === undefined ? [] : [op.header.chanPrev])].map((id) => this.byId.get(id) as Entry)
    const past = new Set(parents.flatMap((p) => [p.id, ...p.past]))
    const body = decodeAuthorityBody(op.header.type, op.body)
    const depth = parents.reduce((d, p) => Math.max(d, p.depth + 1), 0)
    const entry: Entry = { op, id: op.id, past, depth, body, author: undefined, flawed: false, offer: undefined, fork: undefined }
    if (body?.type === 'genesis' && this.space === '') this.space = op.id
    entry.author = this.speaker(entry)
    entry.flawed = (isAuthorityType(op.header.type) && body === undefined) || (op.header.type === 'genesis' && this.space !== op.id) || !this.proper(entry)
    this.all.push(entry)
    this.byId.set(op.id, entry)
  }

  private certs(device: string): Entry[] {
    return this.all.filter((e) => !e.flawed && (e.body?.type === 'deviceAdd' ? e.body.device === device : (e.body?.type === 'genesis' || e.body?.type === 'join') && e.op.header.device === device))
  }

  private speaker(e: Entry): string | undefined {
    if (e.body?.type === 'genesis' || e.body?.type === 'join' || (e.body?.type === 'deviceAdd' && e.body.device === e.op.header.device)) return identityOfKey(e.body.identityPk, sha)
    return this.certs(e.op.header.device).filter((c) => e.past.has(c.id)).sort(smaller)[0]?.author
  }

  /** A16: signatures inside bodies, and cuts and references that lie in the op's own past. */
  private proper(e: Entry): boolean {
    const { body } = e, device = e.op.header.device, space = this.space as SpaceId
    if (body === undefined) return true
    if ('cuts' in body && body.cuts.some((c) => c.authority !== undefined && !(e.past.has(c.authority) && this.byId.get(c.authority)?.op.header.device === c.device))) return false
    const certified = (of: typeof device): boolean => 'cert' in body && this.verifies(body.identityPk, certSignature(body.cert), certSignedBytes(of, certBoxKey(body.cert)))
    switch (body.type) {
      case 'genesis': return certified(device)
      case 'join': {
        const offers = this.all.filter((o) => !o.flawed && o.body?.type === 'invite' && o.body.invite === body.invite && e.past.has(o.id)).sort(smaller).slice(0, 4)
        e.offer = offers.find((o) => o.body?.type === 'invite' && this.verifies(o.body.joinPk, body.proof, joinProofBytes(space, body.invite, device, e.author as never)))
        return certified(device) && (offers.length === 0 || e.offer !== undefined)
      }
      case 'deviceAdd': return identityOfKey(body.identityPk, sha) === e.author && certified(body.device) && (body.device === device ? this.verifies(body.identityPk, body.consent, selfAddBytes(space, device)) : this.verifies(fromHex(body.device) as Uint8Array, body.consent, deviceConsentBytes(space, body.device, e.author as never)))
      case 'deviceRevoke': return body.proof === undefined || (identityOfKey(body.proof.identityPk, sha) === e.author && this.verifies(body.proof.identityPk, body.proof.signature, revokeProofBytes(space, body.device)))
      case 'recover': {
        const set = e.past.has(body.set) ? this.byId.get(body.set)?.body : undefined
        return set?.type === 'recoverySet' && set.threshold > 0 && body.signatures.length >= set.threshold && body.signatures.every((s) => set.identities.includes(identityOfKey(s.identityPk, sha)) && this.verifies(s.identityPk, s.signature, recoverBytes(space, body.set, body.to)))
      }
      case 'forkProof': {
        const a = decodeHeader(body.first), b = decodeHeader(body.second)
        if (a === undefined || b === undefined || a.device !== b.device || a.space !== space || b.space !== space) return false
        e.fork = { device: a.device, seq: Math.min(a.seq, b.seq) }
        return true
      }
      default: return true
    }
  }

  // ---- restrictions ----

  private lasting(e: Entry, s: Said): Lasting | undefined {
    const { body } = e, me = e.author as string
    if (body === undefined) return undefined
    const as = (takes: Lasting['takes'], targets: string[], rank = 1, device?: string): Lasting => ({ entry: e, targets, takes, rank, device, power: rank === 2 ? 100 : s.power(me) })
    const holders = (role: string): string[] => [...s.members].filter((i) => i !== me && (role === EVERYONE || s.held.get(i)?.has(role) === true) && s.power(i) < s.power(me))
    switch (body.type) {
      case 'kick': case 'ban': return as('all', [body.identity])
      case 'roleUnassign': return body.identity === me ? undefined : as('power', [body.identity])
      case 'roleDelete': return as('power', holders(body.role))
      case 'rolePower': return body.power < (s.roles.get(body.role)?.power ?? 0) ? as('power', holders(body.role)) : undefined
      case 'rolePermissions': return ((s.roles.get(body.role)?.permissions ?? 0) & ~body.permissions) !== 0 ? as('power', holders(body.role)) : undefined
      case 'deviceRevoke': return as('all', [...this.certs(body.device)].filter((c) => s.live.includes(c)).sort(smaller).slice(0, 1).map((c) => c.author as string), 1, body.device)
      case 'ownerTransfer': return as('power', [me], 0)
      case 'recoverySet': return as('other', [], 0)
      case 'recover': return as('power', s.owner === undefined ? [] : [s.owner], 2)
      default: return undefined
    }
  }

  private inCut(e: Entry, r: Lasting): boolean {
    const body = r.entry.body as { cuts?: readonly { device: string; authority: string | undefined }[] }
    const last = body.cuts?.find((c) => c.device === e.op.header.device)?.authority
    return last !== undefined && (last === e.id || this.byId.get(last)?.past.has(e.id) === true)
  }

  private aims(e: Entry, r: Lasting): boolean { return e.author !== undefined && r.targets.includes(e.author) && (r.device === undefined || r.device === e.op.header.device) }

  private beyond(e: Entry, r: Lasting): boolean {
    if (r.takes === 'other' || e === r.entry || e.body?.type === 'genesis' || e.past.has(r.entry.id) || !this.aims(e, r)) return false
    if ((r.takes === 'power' && !needsPower(e)) || (e.body?.type === 'join' && r.entry.past.has(e.id))) return false
    return !(e.op.header.device === r.entry.op.header.device && r.entry.past.has(e.id)) && !this.inCut(e, r)
  }

  private apart(a: Entry, b: Entry): boolean { return a !== b && !a.past.has(b.id) && !b.past.has(a.id) }

  /** Void because of a choice, by the cut or by the rules around ownership. */
  private blocked(r: Lasting, chosen: Lasting[]): string[] {
    const out = this.all.filter((e) => this.beyond(e, r)).map((e) => e.id)
    for (const e of this.all) {
      const to = becomes(e)
      if (to === undefined || e.flawed || !this.apart(e, r.entry)) continue
      if ((r.takes === 'all' && r.device === undefined && r.targets.includes(to)) || (r.power === 100 && e.body?.type === 'recover')) out.push(e.id)
    }
    const to = becomes(r.entry)
    if (to === undefined) return out
    for (const e of this.all) {
      const { body } = e
      if (body === undefined || e.flawed || !this.apart(e, r.entry) || chosen.some((c) => c.entry === e)) continue
      const left = body.type === 'leave' && e.author === to
      const hit = (body.type === 'kick' || body.type === 'ban' || body.type === 'roleUnassign') ? body.identity === to : body.type === 'deviceRevoke' && this.certs(body.device).some((c) => c.author === to && e.past.has(c.id))
      if (left || (hit && e.author !== to)) out.push(e.id)
    }
    return out
  }

  // ---- the loop ----

  private run(): void {
    const surplus = new Set<string>(), frozen = new Map<string, Frozen>()
    for (;;) {
      const late = new Set<Entry>(), never = new Set<Entry>()
      let chosen = this.round(surplus, frozen, late, never)
      for (let again = 0; again < 8; again++) {
        const fallen = chosen.map((r) => r.entry).filter((e) => this.voids.has(e.id))
        if (fallen.length === 0) break
        for (const e of fallen) (late.has(e) ? never : late).add(e)
        chosen = this.round(surplus, frozen, late, never)
      }
      this.chosen = chosen
      if (!this.forks(frozen, chosen) && !this.overused(surplus)) return
    }
  }

  private round(surplus: Set<string>, frozen: Map<string, Frozen>, late: Set<Entry>, never: Set<Entry>): Lasting[] {
    const chosen: Lasting[] = [], blocked = new Set(surplus)
    for (;;) {
      const waiting: Lasting[] = []
      this.voids = new Set()
      this.powers = new Map()
      for (const e of this.all) {
        const s = said(this.all.filter((x) => e.past.has(x.id) && !this.voids.has(x.id)), this.powers)
        if (e.flawed || blocked.has(e.id) || this.isFrozen(e, frozen) || !permits(e, s)) { this.voids.add(e.id); continue }
        if (e.body !== undefined && e.body.type !== 'profile' && e.body.type !== 'about' && e.body.type !== 'keyPackage') this.powers.set(e.id, s.power(e.author))
        const r = this.lasting(e, s)
        if (r !== undefined && !never.has(e) && !chosen.some((c) => c.entry === e)) waiting.push(r)
      }
      waiting.sort((a, b) => Number(late.has(a.entry)) - Number(late.has(b.entry)) || b.power - a.power || a.rank - b.rank || (a.rank === 0 ? 0 : a.entry.depth - b.entry.depth) || smaller(a.entry, b.entry))
      const next = waiting[0]
      if (next === undefined) return chosen
      const owners = chosen.map((c) => c.entry).filter((e) => becomes(e) !== undefined && this.apart(e, next.entry)).map(becomes)
      const spared: Lasting = next.rank === 1 ? { ...next, targets: next.targets.filter((t) => !owners.includes(t)) } : next
      chosen.push(spared)
      for (const id of this.blocked(spared, chosen)) blocked.add(id)
    }
  }

  private isFrozen(e: Entry, frozen: Map<string, Frozen>): boolean {
    const at = frozen.get(e.op.header.device)
    if (at === undefined || e.body?.type === 'genesis' || (e.op.header.chanSeq < at.chanSeq && e.op.header.seq < at.seq)) return false
    return !at.fixers.some((r) => this.aims(e, r) && this.inCut(e, r))
  }

  private forks(frozen: Map<string, Frozen>, chosen: Lasting[]): boolean {
    const found = new Map<string, { chanSeq: number; seq: number }>()
    for (const a of this.all) for (const b of this.all) {
      const x = a.op.header, y = b.op.header
      if (a === b || x.device !== y.device || (x.chanSeq !== y.chanSeq && x.seq !== y.seq)) continue
      found.set(x.device, { seq: Infinity, chanSeq: Math.min(x.chanSeq, y.chanSeq, found.get(x.device)?.chanSeq ?? Infinity) })
    }
    for (const e of this.all) {
      if (e.fork === undefined || this.voids.has(e.id)) continue
      const known = found.get(e.fork.device)
      found.set(e.fork.device, { chanSeq: known?.chanSeq ?? Infinity, seq: Math.min(e.fork.seq, known?.seq ?? Infinity) })
    }
    let more = false
    for (const [device, at] of found) {
      const known = frozen.get(device)
      if (known !== undefined && known.chanSeq <= at.chanSeq && known.seq <= at.seq) continue
      frozen.set(device, { ...at, fixers: known?.fixers ?? chosen.filter((r) => r.takes === 'all') })
      if (this.all.some((e) => e.op.header.device === device && !this.voids.has(e.id) && this.isFrozen(e, frozen))) more = true
    }
    return more
  }

  private overused(surplus: Set<string>): boolean {
    let more = false
    for (const offer of this.all) {
      const { body } = offer
      if (body?.type !== 'invite') continue
      const joins = this.all.filter((j) => j.offer === offer && !this.voids.has(j.id))
      const seen = (j: Entry): number => this.all.filter((e) => !joins.some((rival) => rival.author === e.author) && (this.powers.get(e.id) ?? 0) >= (this.powers.get(offer.id) ?? 0) && !this.voids.has(e.id) && e.past.has(j.id)).length
      joins.sort((a, b) => seen(b) - seen(a) || a.depth - b.depth || smaller(a, b))
      for (const j of joins.slice(body.uses)) { surplus.add(j.id); more = true }
    }
    return more
  }
}

const becomes = (e: Entry): string | undefined => (e.body?.type === 'ownerTransfer' || e.body?.type === 'recover' ? e.body.to : undefined)
function needsPower(e: Entry): boolean {
  const { body } = e
  if (body === undefined || ['genesis', 'join', 'leave', 'keyPackage', 'profile', 'about', 'deviceAdd', 'forkProof', 'recover'].includes(body.type)) return false
  if (body.type === 'deviceRevoke') return body.proof === undefined && body.device !== e.op.header.device
  return !(body.type === 'roleUnassign' && body.identity === e.author)
}
