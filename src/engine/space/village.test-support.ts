/**
 * A village for tests: people with devices, who write authority ops without a network. Every device has its own authority and sees only what was
 * carried to it. The ciphersuite is a toy (hashes for signatures): what is tested here is who may do what, not cryptography.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Ciphersuite } from '../../ports.ts'
import {
  type AuthorityBody, certSignedBytes, deviceConsentBytes, encodeAuthorityBody, encodeCert, EVERYONE, identityOfKey, joinProofBytes, parseRoleId, recoverBytes,
  revokeProofBytes, type RoleId, selfAddBytes,
} from '../../wire/authority.ts'
import { concat, equal, fromHex, toHex, utf8 } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type IdentityId, type InviteId, NO_SPACE, type OpId, parseChannelId, parseDeviceId, parseInviteId, parseOpId, type SpaceId } from '../../wire/ids.ts'
import { encodeHeader, MAX_DEPS, type Op, type OpHeader } from '../../wire/op.ts'
import { Authority, type ChainHead } from './authority.ts'
import { predecessors } from './history.ts'

const hash = (...parts: readonly Uint8Array[]): Uint8Array => sha256(concat(...parts))
export const toySign = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => concat(hash(publicKey, message), hash(message, publicKey))
export const toyVerify = (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean => equal(toySign(publicKey, message), signature)

/** Only what authority asks for; anything else would be a mistake and throws. */
export const toySuite = new Proxy({ sha256: hash, verify: async (k: Uint8Array, s: Uint8Array, m: Uint8Array) => toyVerify(k, s, m) } as unknown as Ciphersuite, {
  get: (suite, name) => Reflect.get(suite, name) ?? (() => { throw new Error(`the toy suite has no ${String(name)}`) }),
})

export const named = (name: string): Uint8Array => hash(utf8(name))
export const roleNamed = (name: string): RoleId => (name === 'everyone' ? EVERYONE : (parseRoleId(named(`role ${name}`).subarray(0, 16)) as RoleId))
export const channelNamed = (name: string): ChannelId => parseChannelId(named(`channel ${name}`).subarray(0, 16)) as ChannelId
export const inviteNamed = (name: string): InviteId => parseInviteId(named(`invite ${name}`).subarray(0, 16)) as InviteId
export const joinKeyOf = (invite: string): Uint8Array => named(`join key ${invite}`)

/** One device of one person: "bob" is bob's first, "bob+phone" another. */
export class Device {
  readonly name: string
  readonly person: string
  readonly identityPk: Uint8Array
  readonly identity: IdentityId
  readonly device: DeviceId
  readonly cert: Uint8Array
  readonly authority = new Authority(toySuite)
  readonly held = new Map<OpId, Op>()
  seq = 0
  last: OpId | undefined

  constructor(name: string) {
    this.name = name
    this.person = name.split('+')[0] as string
    this.identityPk = named(`identity ${this.person}`)
    this.identity = identityOfKey(this.identityPk, hash)
    const key = named(`device ${name}`)
    this.device = parseDeviceId(key) as DeviceId
    const box = named(`box ${name}`)
    this.cert = encodeCert(box, toySign(this.identityPk, certSignedBytes(this.device, box)))
  }

  async take(op: Op): Promise<void> {
    if (this.held.has(op.id)) return
    this.held.set(op.id, op)
    await this.authority.add(op)
  }

  /** Carries over all ops that the other holds and this one doesn't. Maps keep the order of arrival, which is causal. */
  async hear(other: Device): Promise<void> { for (const op of other.held.values()) await this.take(op) }
}

export interface Making { readonly deps?: readonly OpId[]; readonly hlc?: number; readonly seq?: number; readonly prev?: OpId | undefined; readonly type?: string }

export class Village {
  readonly devices = new Map<string, Device>()
  space: SpaceId = NO_SPACE
  private clock = 0

  device(name: string): Device {
    const known = this.devices.get(name)
    if (known !== undefined) return known
    const made = new Device(name)
    this.devices.set(name, made)
    return made
  }

  /** An op by this device, as its header says; not taken in by anyone yet. */
  make(by: Device, body: AuthorityBody | { readonly type: string; readonly bytes?: Uint8Array }, how: Making = {}): Op {
    const bytes = 'bytes' in body && !('lastResort' in body) ? (body.bytes ?? new Uint8Array()) : encodeIfKnown(body)
    const seq = how.seq ?? by.seq + 1
    const header: OpHeader = {
      space: body.type === 'genesis' ? NO_SPACE : this.space, audience: 0, channel: AUTHORITY_CHANNEL, device: by.device, seq, chanSeq: seq,
      prev: 'prev' in how ? how.prev : by.last, chanPrev: 'prev' in how ? how.prev : by.last, deps: [...(how.deps ?? by.authority.heads())].sort().slice(0, MAX_DEPS),
      type: body.type, hlc: how.hlc ?? ++this.clock * 1024, kid: undefined, epoch: undefined, bodyHash: hash(bytes),
    }
    const id = parseOpId(hash(encodeHeader(header))) as OpId
    return { id, header, body: bytes, sig: new Uint8Array(64), bytes: new Uint8Array() }
  }

  /** Makes an op and takes it in on the author's device. */
  async say(by: Device, body: AuthorityBody | { readonly type: string; readonly bytes?: Uint8Array }, how: Making = {}): Promise<Op> {
    const op = this.make(by, body, how)
    if (body.type === 'genesis') this.space = op.id as string as SpaceId
    await by.take(op)
    if (op.header.seq > by.seq) { by.seq = op.header.seq; by.last = op.id }
    return op
  }

  async everyoneMeets(among: readonly Device[] = [...this.devices.values()]): Promise<void> {
    for (const a of among) for (const b of among) await a.hear(b)
    for (const a of among) for (const b of among) await a.hear(b)
  }

  // ---- bodies ----

  genesis(by: Device, name = 'Home'): AuthorityBody {
    return { type: 'genesis', name, nonce: new Uint8Array(16), identityPk: by.identityPk, cert: by.cert, displayName: by.person, historyPolicy: 'all', dm: undefined, relays: [] }
  }

  invite(name: string, terms: { role?: string; uses?: number; expiresAt?: number } = {}): AuthorityBody {
    return {
      type: 'invite', invite: inviteNamed(name), joinPk: joinKeyOf(name), sealPk: named('seal'), topicSeed: named('topic'),
      role: terms.role === undefined ? undefined : roleNamed(terms.role), uses: terms.uses ?? 100, expiresAt: terms.expiresAt ?? 1e12, relays: [],
    }
  }

  join(by: Device, invite: string): AuthorityBody {
    const proof = toySign(joinKeyOf(invite), joinProofBytes(this.space, inviteNamed(invite), by.device, by.identity))
    return { type: 'join', invite: inviteNamed(invite), identityPk: by.identityPk, cert: by.cert, displayName: by.person, proof }
  }

  deviceAdd(device: Device): AuthorityBody {
    const consent = toySign(fromHex(device.device) as Uint8Array, deviceConsentBytes(this.space, device.device, device.identity))
    return { type: 'deviceAdd', device: device.device, identityPk: device.identityPk, cert: device.cert, consent }
  }

  addItself(device: Device): AuthorityBody {
    return { type: 'deviceAdd', device: device.device, identityPk: device.identityPk, cert: device.cert, consent: toySign(device.identityPk, selfAddBytes(this.space, device.device)) }
  }

  revokeOwn(by: Device, device: Device): AuthorityBody {
    const signature = toySign(by.identityPk, revokeProofBytes(this.space, device.device))
    return { type: 'deviceRevoke', device: device.device, cuts: this.cuts(by, device.identity), proof: { identityPk: by.identityPk, signature } }
  }

  recover(by: Device, set: OpId, to: Device, signers: readonly Device[], owner: IdentityId): AuthorityBody {
    const signatures = signers.map((s) => ({ identityPk: s.identityPk, signature: toySign(s.identityPk, recoverBytes(this.space, set, to.identity)) }))
    signatures.sort((a, b) => (toHex(a.identityPk) < toHex(b.identityPk) ? -1 : 1))
    return { type: 'recover', to: to.identity, set, cuts: this.cuts(by, owner), signatures }
  }

  /** Cuts as an honest app makes them: all that this device has seen of the identity. */
  cuts(by: Device, identity: IdentityId) {
    const heads = new Map<DeviceId, ChainHead>()
    for (const op of by.held.values()) {
      const known = heads.get(op.header.device)
      if (known === undefined || known.seq < op.header.seq) heads.set(op.header.device, { seq: op.header.seq, id: op.id })
    }
    return by.authority.cutsFor(identity, heads)
  }
}

function encodeIfKnown(body: { readonly type: string }): Uint8Array {
  return 'bytes' in body || Object.keys(body).length > 1 || body.type === 'leave' ? encodeAuthorityBody(body as AuthorityBody) : new Uint8Array()
}

/** The ops in a random order that respects causality, driven by `pick(n)` in 0..n-1. */
export function shuffled(ops: readonly Op[], pick: (n: number) => number): Op[] {
  const out: Op[] = []
  const done = new Set<OpId>()
  const waiting = [...ops]
  while (waiting.length > 0) {
    const ready = waiting.filter((op) => predecessors(op).every((id) => done.has(id)))
    const next = ready[pick(ready.length)] as Op
    waiting.splice(waiting.indexOf(next), 1)
    done.add(next.id)
    out.push(next)
  }
  return out
}
