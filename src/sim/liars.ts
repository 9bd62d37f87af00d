/**
 * What liars do with a device of their own: whatever a member can who has all the keys and writes software of its own. A liar's device runs the real engine,
 * so that it is let in and knows everything; now and then it makes something that the engine never would, and sends it over its connections and to the relays.
 * Each lie is one function. What they are worth is for the checks on honest devices to say: nothing.
 */
import { encodeGroupBody } from '../wire/group.ts'
import { type AuthorityBody, encodeAuthorityBody, EVERYONE } from '../wire/authority.ts'
import { fromHex, toHex } from '../wire/bytes.ts'
import { encodeFrame, type Frame } from '../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type IdentityId, type OpId } from '../wire/ids.ts'
import { HLC_STEP, type Op, type OpHeader } from '../wire/op.ts'
import type { Payload } from '../wire/envelope.ts'
import { sealContent } from '../engine/content/content.ts'
import type { Engine } from '../engine/engine.ts'
import { commit, encodeTree } from '../engine/group/mls.ts'
import { helloToken } from '../engine/mailbox/mail.ts'
import type { Replica } from '../engine/replica.ts'
import { signOp } from '../engine/signing.ts'
import { toldParts } from '../engine/sync/comparing.ts'
import type { SimNode } from './node.ts'
import type { People } from './people.ts'
import type { Chance } from './world.ts'

/** A liar at one moment, in one space. */
export class Liar {
  readonly chance: Chance
  readonly replica: Replica
  private readonly node: SimNode
  private readonly engine: Engine
  readonly now: number

  constructor(node: SimNode, engine: Engine, replica: Replica, chance: Chance, now: number) {
    this.node = node
    this.engine = engine
    this.replica = replica
    this.chance = chance
    this.now = now
  }

  get tip(): EpochId | undefined { return this.replica.groups.tip() }
  bytes(length: number): Uint8Array { return this.chance.random.bytes(length) }
  id<T extends string>(): T { return toHex(this.bytes(32)) as T }
  someone(): IdentityId | undefined { return this.chance.pick([...this.replica.authority.state.members.keys()].filter((i) => i !== this.replica.me.identity)) }
  channel(): ChannelId | undefined { return this.chance.pick([...this.replica.authority.state.channels.keys()]) }

  /** Next in this device's chain where `changes` don't say otherwise. */
  private header(type: string, channel: ChannelId, changes: Partial<OpHeader>): OpHeader {
    const { log, authority, me, id } = this.replica
    const head = log.head(channel, me.device), last = log.deviceHeads.get(me.device)
    return {
      space: id, audience: 0, channel, device: me.device, seq: (last?.seq ?? 0) + 1, prev: last?.id, chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id,
      deps: authority.heads(), type, hlc: this.now * HLC_STEP, kid: undefined, epoch: undefined, bodyHash: new Uint8Array(), ...changes,
    }
  }

  op(type: string, body: Uint8Array, changes: Partial<OpHeader> = {}): Promise<Op> {
    return signOp(this.replica.world, this.replica.me, this.header(type, changes.channel ?? AUTHORITY_CHANNEL, changes), body)
  }

  rule(body: AuthorityBody, changes: Partial<OpHeader> = {}): Promise<Op> { return this.op(body.type, encodeAuthorityBody(body), changes) }

  /** What someone says, sealed under any epoch whose key is here. */
  async words(text: string, epoch: EpochId, changes: Partial<OpHeader> = {}): Promise<Op | undefined> {
    const channel = changes.channel ?? this.channel()
    const key = channel === undefined ? undefined : this.replica.groups.keys.contentKey(epoch, channel)
    if (channel === undefined || key === undefined) return undefined
    const header = this.header('message', channel, { kid: key.kid, epoch, ...changes })
    return signOp(this.replica.world, this.replica.me, header, sealContent(this.replica.world.suite, key, header, { type: 'message', text }))
  }

  // ---- ways out ----

  peers(): string[] { return this.engine.peers.status(() => undefined).map(({ peer }) => peer) }

  raw(peer: string, bytes: Uint8Array): void { this.node.network?.send(peer, bytes) }

  frame(peer: string, make: (token: Uint8Array) => Frame): void {
    const self = this.engine.peers.self?.peer
    for (const relayKey of self === undefined ? [] : this.replica.everyone.relayKeysInUse().slice(0, 2)) {
      this.raw(peer, encodeFrame(make(helloToken(this.replica.world, relayKey, self as string, peer))))
    }
  }

  /** To whom is connected, over the connection, and to everyone by relays: own devices hear of it there too. */
  async tell(ops: readonly Op[], peers = this.peers(), byRelay = true): Promise<void> {
    for (const peer of peers) this.frame(peer, (token) => ({ type: 'ops', token, ops: ops.map(({ bytes }) => bytes), more: true }))
    if (byRelay) for (const op of ops) await this.post({ type: 'ops', ops: [op.bytes] })
  }

  async post(payload: Payload, epoch = this.tip): Promise<void> {
    const sealed = epoch === undefined ? undefined : this.replica.mail.seal(epoch, payload)
    if (sealed !== undefined) await this.parcel(sealed)
  }

  /** Any bytes, into the topic that everyone reads. */
  async parcel(bytes: Uint8Array): Promise<void> {
    const [relayKey] = this.replica.everyone.relayKeysInUse()
    if (relayKey === undefined) return
    const topic = await this.replica.mail.topicOf(relayKey)
    for (const relay of this.replica.mail.relays) this.node.mailbox?.post(relay, topic, `lie ${toHex(this.bytes(8))}`, bytes)
  }
}

export type Lie = (liar: Liar) => Promise<void>

/** By what they are called in the notes of a failing run. */
export const LIES: Readonly<Record<string, Lie>> = {
  leavesNumbersOut, equivocates, equivocatesInContent, backdatesACommit, backdatesPower, malformsACommit, breaksACommit, stormsCommits, bundlesFalsely, rejectsFalsely, spamsVotes, oversizes,
  namesWhatIsNot, removesEveryone, grabsPower, forges, makesNoise, showsFalseVectors, asksForEverything, sendsFalseTrees, stealsAPackage, replays, floods,
}

/** Two ops at one place, one for each half of the peers. */
async function equivocates(liar: Liar): Promise<void> {
  const [one, other] = [await liar.rule({ type: 'profile', name: 'One' }), await liar.rule({ type: 'profile', name: 'Other' })]
  const peers = liar.peers()
  await liar.tell([one], peers.filter((_, i) => i % 2 === 0), liar.chance.percent(50))
  await liar.tell([other], peers.filter((_, i) => i % 2 === 1))
}

async function equivocatesInContent(liar: Liar): Promise<void> {
  if (liar.tip === undefined) return
  const [one, other] = [await liar.words('one', liar.tip), await liar.words('other', liar.tip)]
  const peers = liar.peers()
  if (one !== undefined) await liar.tell([one], peers.filter((_, i) => i % 2 === 0), liar.chance.percent(50))
  if (other !== undefined) await liar.tell([other], peers.filter((_, i) => i % 2 === 1))
}

const oldDeps = ({ replica }: Liar): readonly OpId[] => [replica.id as string as OpId]

/** A sibling of an old epoch that claims to be from the beginning. */
async function backdatesACommit(liar: Liar): Promise<void> {
  const old = liar.chance.pick([...liar.replica.groups.states.keys()])
  if (old !== undefined) await commitOn(liar, old, { hlc: 1024, deps: liar.chance.percent(50) ? oldDeps(liar) : liar.replica.authority.heads() })
}

async function backdatesPower(liar: Liar): Promise<void> {
  const identity = liar.someone()
  if (identity === undefined) return
  const changes = { hlc: 1024, deps: oldDeps(liar) }
  await liar.tell([await liar.rule(liar.chance.percent(50) ? { type: 'kick', identity, cuts: [] } : { type: 'spaceRename', name: 'Mine' }, changes)])
}

type CommitFields = Parameters<typeof encodeGroupBody>[0] & { readonly type: 'commit' }

/** A commit of its own keys anew, as MLS wants it, with the changes of the lie. */
async function commitOn(liar: Liar, parent: EpochId, header: Partial<OpHeader>, fields: Partial<CommitFields> = {}): Promise<void> {
  const { groups, me, world } = liar.replica
  const state = groups.states.get(parent)
  if (state === undefined) return
  const made = await commit(groups.mls, state, { add: [], remove: [], authenticatedData: groups.binding(me.device, parent) })
  if ('reason' in made) return
  const secret = await groups.secretOf(made.state, parent, made.commit)
  await liar.tell([await liar.op('commit', encodeGroupBody({
    type: 'commit', parent, external: false, mls: made.commit, welcome: undefined, groupInfo: made.groupInfo, treeHash: world.suite.sha256(encodeTree(made.state)),
    check: groups.keys.check(secret), backLink: undefined, relayKey: undefined, kitCheck: groups.keys.kitCheck(secret, undefined), ...fields,
  }), header)])
}

/** Not MLS, or of no parent. */
async function malformsACommit(liar: Liar): Promise<void> {
  if (liar.tip === undefined) return
  await commitOn(liar, liar.tip, {}, liar.chance.percent(50) ? { mls: liar.bytes(200) } : { parent: liar.id<EpochId>() })
}

/** Well-formed, and not what it promises: only who holds the parent's state can tell. */
async function breaksACommit(liar: Liar): Promise<void> {
  if (liar.tip !== undefined) await commitOn(liar, liar.tip, {}, liar.chance.pick<Partial<CommitFields>>([{ check: liar.bytes(32) }, { treeHash: liar.bytes(32) }, { kitCheck: liar.bytes(32) }]) ?? {})
}

async function stormsCommits(liar: Liar): Promise<void> {
  const { tip } = liar
  for (let i = 0; i < 4 && tip !== undefined; i++) await commitOn(liar, tip, {})
}

async function bundlesFalsely(liar: Liar): Promise<void> {
  const epochs = [...liar.replica.groups.tree.nodes.keys()].sort().slice(0, 8)
  if (liar.tip !== undefined) await liar.tell([await liar.op('bundle', encodeGroupBody({ type: 'bundle', under: liar.tip, secrets: epochs.map((epoch) => ({ epoch, sealed: liar.bytes(72) })) }))])
}

async function rejectsFalsely(liar: Liar): Promise<void> {
  if (liar.tip !== undefined) await liar.tell([await liar.op('commitReject', encodeGroupBody({ type: 'commitReject', epoch: liar.tip, why: 'mls' }))])
}

/** Speaks in epochs that lost, or were long ago. */
async function spamsVotes(liar: Liar): Promise<void> {
  for (const epoch of liar.chance.shuffle([...liar.replica.groups.keys.epochs()].sort()).slice(0, 4)) {
    const op = await liar.words('vote', epoch)
    if (op !== undefined) await liar.tell([op])
  }
}

async function oversizes(liar: Liar): Promise<void> {
  await liar.tell([await liar.op('profile', liar.bytes(300 * 1024))])
  for (const peer of liar.peers()) liar.raw(peer, liar.bytes(1024 * 1024 + 1))
}

/** Ops that follow what nobody has, or themselves. */
async function namesWhatIsNot(liar: Liar): Promise<void> {
  const ids = (n: number): OpId[] => Array.from({ length: n }, () => liar.id<OpId>()).sort()
  await liar.tell([await liar.rule({ type: 'profile', name: 'Early' }, { deps: ids(16) }), await liar.rule({ type: 'profile', name: 'Stray' }, { chanPrev: liar.id<OpId>(), prev: liar.id<OpId>(), chanSeq: 1000, seq: 5000 })])
}

async function removesEveryone(liar: Liar): Promise<void> {
  for (const identity of liar.replica.authority.state.members.keys()) {
    const cuts = liar.replica.authority.cutsFor(identity, liar.replica.log.deviceHeads)
    await liar.tell([await liar.rule({ type: liar.chance.percent(50) ? 'kick' : 'ban', identity, cuts })])
  }
}

async function grabsPower(liar: Liar): Promise<void> {
  const { me, authority } = liar.replica
  const role = liar.chance.pick([...authority.state.roles.keys()]) ?? EVERYONE
  const grabs: AuthorityBody[] = [
    { type: 'ownerTransfer', to: me.identity, cuts: [] }, { type: 'roleAssign', role, identity: me.identity }, { type: 'rolePower', role, power: 99, cuts: [] },
    { type: 'rolePermissions', role: EVERYONE, permissions: 0x3fff, cuts: [] }, { type: 'recoverySet', threshold: 1, identities: [me.identity] },
  ]
  await liar.tell([await liar.rule(liar.chance.pick(grabs) as AuthorityBody)])
}

/** In the name of another device. */
async function forges(liar: Liar): Promise<void> {
  const device = liar.chance.pick([...liar.replica.authority.state.devices.keys()].filter((d) => d !== liar.replica.me.device))
  if (device === undefined) return
  const head = liar.replica.log.head(AUTHORITY_CHANNEL, device)
  await liar.tell([await liar.rule({ type: 'spaceRename', name: 'Forged' }, { device: device as DeviceId, chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id, seq: 9000, prev: head?.id ?? liar.id<OpId>() })])
}

async function makesNoise(liar: Liar): Promise<void> {
  for (const peer of liar.peers()) {
    liar.raw(peer, liar.bytes(liar.chance.between(1, 300)))
    liar.frame(peer, (token) => ({ type: 'ops', token, ops: [liar.bytes(100)], more: false }))
  }
  await liar.parcel(liar.bytes(liar.chance.between(1, 2000)))
}

async function showsFalseVectors(liar: Liar): Promise<void> {
  const vector = liar.replica.log.vector().map((e) => ({ ...e, chanSeq: e.chanSeq + liar.chance.between(1, 1_000_000), head: toHex(liar.bytes(8)) }))
  for (const peer of liar.peers()) liar.frame(peer, (token) => ({ type: 'vector', token, told: toldParts(liar.replica, vector)[0] ?? [], asks: liar.chance.percent(50) }))
}

async function asksForEverything(liar: Liar): Promise<void> {
  const ranges = liar.replica.log.vector().map(({ channel, device }) => ({ channel, device, from: 1, to: 1_000_000 }))
  for (const peer of liar.peers()) for (let i = 0; i < 20; i++) liar.frame(peer, (token) => ({ type: 'ask', token, ranges, trees: [liar.bytes(32)] }))
}

async function sendsFalseTrees(liar: Liar): Promise<void> {
  for (const peer of liar.peers()) liar.frame(peer, (token) => ({ type: 'tree', token, tree: liar.bytes(500) }))
  await liar.post({ type: 'tree', tree: liar.bytes(500) })
}

/** Another's, or none at all: whoever adds it must notice. */
async function stealsAPackage(liar: Liar): Promise<void> {
  const { keyPackages } = liar.replica.authority.state
  const bytes = liar.chance.percent(50) ? liar.chance.pick([...keyPackages.values()]) : liar.bytes(300)
  if (bytes !== undefined) await liar.tell([await liar.rule({ type: 'keyPackage', bytes, lastResort: false })])
}

/** What was said long ago, again, in any order. */
async function replays(liar: Liar): Promise<void> {
  const ops = liar.chance.shuffle([...liar.replica.log.authority.values()]).slice(0, 40)
  for (const peer of liar.peers()) liar.frame(peer, (token) => ({ type: 'ops', token, ops: ops.map(({ bytes }) => bytes), more: true }))
  const op = ops[0]
  if (op !== undefined) await liar.post({ type: 'ops', ops: [op.bytes, fromHex(op.id) as Uint8Array] })
}

/** A KB each: others take in whole runs of what one signature vouches for. */
const FLOOD = 'weeds '.repeat(150)
const FLOOD_PART = 100

/** As much as anybody takes in on a day, or more: dated today, or over the days since the space was made, as if it had been said long ago. */
async function floods(liar: Liar): Promise<void> {
  const { tip, replica: { log, me, authority }, chance } = liar, channel = liar.channel()
  if (tip === undefined || channel === undefined) return
  const now = liar.now * HLC_STEP, since = authority.invitedAt(me.device), isLate = chance.percent(50), count = isLate ? 700 : chance.between(200, 400), ops: Op[] = []
  let { last, head } = { last: log.deviceHeads.get(me.device), head: log.head(channel, me.device) }
  for (let n = 0; n < count; n++) {
    const hlc = isLate ? Math.floor(Math.max(0, since) + (now - since) * (n + 1) / (count + 1)) : now + n
    const op = await liar.words(FLOOD, tip, { channel, hlc, seq: (last?.seq ?? 0) + 1, prev: last?.id, chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id })
    if (op === undefined) return
    ops.push(op)
    last = { seq: op.header.seq, id: op.id } as typeof last
    head = { chanSeq: op.header.chanSeq, id: op.id } as typeof head
  }
  for (let at = 0; at < count; at += FLOOD_PART) {
    const part = ops.slice(at, at + FLOOD_PART)
    await liar.tell(part, liar.peers(), false)
    await liar.post({ type: 'ops', ops: part.map(({ bytes }) => bytes) })
  }
}

/** Numbers that nobody has, for later. */
async function leavesNumbersOut(liar: Liar): Promise<void> {
  const { log, me } = liar.replica
  const op = liar.tip === undefined ? undefined : await liar.words('on', liar.tip, { seq: (log.deviceHeads.get(me.device)?.seq ?? 0) + 6 })
  if (op !== undefined) await liar.tell([op])
}

/** Whoever was put out speaks as if they knew nothing of it, under a number of before. */
async function speaksLate(liar: Liar): Promise<Op | undefined> {
  const { log, me, groups } = liar.replica
  const last = log.deviceHeads.get(me.device), own = log.head(AUTHORITY_CHANNEL, me.device), epoch = liar.chance.pick([...groups.keys.epochs()].sort()), channel = liar.channel()
  if (last === undefined || own === undefined || epoch === undefined || channel === undefined) return undefined
  // No earlier than what it follows: anybody would see that.
  const op = await liar.words('late', epoch, { channel, seq: Math.max(log.head(channel, me.device)?.seq ?? 1, last.seq - liar.chance.between(1, 5)) + 1, deps: [own.id] })
  if (op !== undefined) await liar.tell([op])
  return op
}

/** Whoever was put out acts as if they knew nothing of it, or knowing it. */
async function actsLate(liar: Liar): Promise<Op | undefined> {
  const { log, me } = liar.replica, own = log.head(AUTHORITY_CHANNEL, me.device)
  if (own === undefined) return undefined
  const body: AuthorityBody = liar.chance.percent(50) ? { type: 'profile', name: 'Late' } : { type: 'spaceRename', name: 'Late' }
  const op = await liar.rule(body, liar.chance.percent(50) ? { deps: [own.id] } : {})
  await liar.tell([op])
  return op
}

/** One of the liars lies, in one of the spaces it is in. */
export async function lie(p: People): Promise<void> {
  const node = p.pick(p.running.filter(({ name }) => !p.isHonest(name)))
  const space = p.pick(p.spaces)
  const engine = node?.engine
  const replica = space === undefined ? undefined : engine?.replicas.get(space.id)
  const name = p.pick(Object.keys(LIES)) as string
  if (node === undefined || space === undefined || engine === undefined || replica === undefined) return
  if (replica.state() === 'removed') {
    const liar = new Liar(node, engine, replica, p.chance, p.now), isWord = p.chance.percent(50)
    const op = isWord ? await speaksLate(liar) : await actsLate(liar)
    if (op === undefined) return
    p.note(`${node.name} ${isWord ? 'speaks' : 'acts'} though removed: ${op.id.slice(0, 8)}`)
    if (isWord) p.setting.checks.late.push(op)
    return
  }
  if (replica.state() !== 'member') return
  p.note(`${node.name} lies: ${name}`)
  // Whoever was given power may use it against anyone: then it is no lie.
  space.lackPast = true
  if (GRASPING.has(name)) for (const one of p.nodes) space.restricted.add(one.name)
  await LIES[name]?.(new Liar(node, engine, replica, p.chance, p.now))
}

const GRASPING: ReadonlySet<string> = new Set(['removesEveryone', 'grabsPower', 'backdatesPower'])
