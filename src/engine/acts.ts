/**
 * Acts as people are told of them: who did what to whom, whether it counts, and if not, because of which other act. Names are those of now, so that
 * what was deleted since can still be called something.
 */
import type { ActInfo, ActRef, GroupAct, Reason, ReasonCode, Subject } from '../api/authority.ts'
import { type AuthorityBody, isAuthorityType, type RoleId } from '../wire/authority.ts'
import { decodeGroupBody } from '../wire/group.ts'
import type { ChannelId, EpochId, IdentityId, OpId } from '../wire/ids.ts'
import { HLC_STEP } from '../wire/op.ts'
import { namesOf } from '../wire/permissions.ts'
import type { Groups } from './group/groups.ts'
import type { Replica } from './replica.ts'
import type { Authority } from './space/authority.ts'
import type { Node } from './space/history.ts'
import { isListed } from './views.ts'

/** Keys that devices lay out for each other, and ops of the groups, are no acts. Nor is anything by strangers, who can do nothing. */
export const isAct = (node: Node): boolean => node.author !== undefined && node.type !== 'keyPackage' && isAuthorityType(node.type)

const GROUP_ACTS: ReadonlySet<string> = new Set<GroupAct>(['commit', 'commitReject', 'bundle', 'keyWant', 'grant', 'historyShare'])

/** Why an act, or what a device did for a group, does not count; undefined where it does. That keys that were told are wrong only who can open them knows. */
export function reasonFor(replica: Replica, { id, type }: Node): Reason | undefined {
  const verdict = replica.authority.verdict(id)
  if (verdict.type === 'void') return verdict.reason
  if (!GROUP_ACTS.has(type)) return undefined
  const groups = replica.audiences.get(audienceOf(replica, id))?.groups
  if (type !== 'commit') {
    const isRead = decodeGroupBody(type, replica.log.authority.get(id)?.body ?? new Uint8Array()) !== undefined
    return !isRead ? { code: 'malformed' } : groups?.lies.has(id) === true ? { code: 'wrong-keys' } : undefined
  }
  const fault = groups?.whyNot(id as string as EpochId)
  if (fault !== undefined) return { code: FAULTS[fault] }
  return groups?.linksFalsely(id as string as EpochId) === true ? { code: 'wrong-keys' } : undefined
}

const FAULTS: Readonly<Record<NonNullable<ReturnType<Groups['whyNot']>>, ReasonCode>> = {
  malformed: 'malformed', void: 'malformed', uncertified: 'device-not-authorised', 'adds-unauthorised': 'device-not-authorised', 'removes-authorised': 'still-in', rejected: 'rejected',
}

const audienceOf = (replica: Replica, id: OpId): number => replica.log.authority.get(id)?.header.audience ?? 0

/** What devices do for the groups by themselves is worth a word only where it doesn't count: then somebody may be kept out, or in. */
export const isListedAct = (replica: Replica, node: Node): boolean => isAct(node) || (GROUP_ACTS.has(node.type) && node.author !== undefined && reasonFor(replica, node) !== undefined)

/** What is done in channels that one may not read, deleted ones too, is told to nobody but their readers. */
export function isTold(replica: Replica): (node: Node) => boolean {
  const { authority, audiences, me } = replica
  const reads = (audience: number): boolean => audience === 0 || audiences.get(audience)?.isRead(me.identity) === true
  const created = new Map<ChannelId, number>()
  for (const { body } of authority.nodes) if (body?.type === 'channelCreate' || body?.type === 'channelAudience') created.set(body.channel, body.audience)
  return ({ body, type, id }) => {
    if (body === undefined) return !GROUP_ACTS.has(type) || reads(audienceOf(replica, id))
    if (body.type === 'audience' || body.type === 'audienceHistory') return reads(body.audience)
    if (!('channel' in body) || body.channel === undefined) return true
    return authority.state.channels.has(body.channel) ? isListed(replica, body.channel) : reads(created.get(body.channel) ?? 0)
  }
}

/** In an order that is the same on every device: by label, but no op before what it had seen. */
export function actsInOrder(replica: Replica): Node[] {
  const told = isTold(replica)
  return replica.authority.nodes.filter((node) => isListedAct(replica, node) && told(node)).sort((a, b) => a.label - b.label || a.depth - b.depth || (a.id < b.id ? -1 : 1))
}

/** Tells of several acts, with one look for the names they need. */
export class Teller {
  private readonly replica: Replica
  private names: Names | undefined

  constructor(replica: Replica) { this.replica = replica }

  act(node: Node): ActInfo {
    const { authority, me } = this.replica
    const reason = reasonFor(this.replica, node)
    const ref = this.ref(node)
    const at = Math.floor(node.label / HLC_STEP)
    const mine = node.author === me.identity
    if (reason === undefined) return { ...ref, mine, at, state: 'counts' }
    const steps = authority.explain(node.id)
    const cause = steps.length > 1 ? authority.node(steps.at(-1)?.op as OpId) : undefined
    return { ...ref, mine, at, state: 'void', reason, ...(cause === undefined ? {} : { becauseOf: this.ref(cause) }) }
  }

  /** Without what became of it. */
  ref(node: Node): ActRef {
    return {
      op: node.id, kind: node.type as ActRef['kind'], by: node.author, byName: node.author === undefined ? '' : this.nameOf(node.author), about: this.about(node),
    }
  }

  /** A reason, with the act behind it where there is one. */
  why(reason: Reason): { readonly reason: Reason; readonly becauseOf?: ActRef } {
    const by = reason.by === undefined ? undefined : this.replica.authority.node(reason.by)
    return { reason, ...(by === undefined ? {} : { becauseOf: this.ref(by) }) }
  }

  private about({ body, fork }: Node): Subject {
    if (body === undefined) return {}
    const member = 'identity' in body ? body.identity : 'to' in body ? body.to : undefined
    const role = 'role' in body ? body.role : undefined
    const channel = 'channel' in body ? body.channel : undefined
    const device = fork?.device ?? ('device' in body ? body.device : undefined)
    return {
      ...(member === undefined ? {} : { member, memberName: this.nameOf(member) }),
      ...(role === undefined ? {} : { role, roleName: this.named.roles.get(role) ?? '' }),
      ...(channel === undefined ? {} : { channel, channelName: this.named.channels.get(channel) ?? '' }),
      ...('invite' in body ? { invite: body.invite } : {}),
      ...(device === undefined ? {} : { device }),
      ...what(body),
    }
  }

  /** Whose joining does not count is called as they called themselves. */
  private nameOf(identity: IdentityId): string { return this.replica.authority.nameOf(identity) || (this.named.people.get(identity) ?? '') }

  private get named(): Names { return this.names ??= namesIn(this.replica.authority) }
}

/** What was written, for the acts that write something. */
function what(body: AuthorityBody): Subject {
  switch (body.type) {
    case 'genesis': case 'profile': case 'roleName': case 'channelRename': case 'channelCreate': case 'spaceRename': return { text: body.name }
    case 'join': return { text: body.displayName }
    case 'about': return body.text === undefined ? {} : { text: body.text }
    case 'channelTopic': return { text: body.topic }
    case 'roleCreate': return { text: body.name, power: body.power, permissions: namesOf(body.permissions) }
    case 'rolePower': return { power: body.power }
    case 'rolePermissions': return { permissions: namesOf(body.permissions) }
    case 'timeout': return { until: body.until }
    case 'retention': return body.follows ? {} : { keeps: { afterMs: body.afterMs, maxBytes: body.maxBytes } }
    case 'clear': return { until: body.before }
    case 'slowMode': return { everyMs: body.everyMs }
    case 'spaceHistory': case 'audienceHistory': return { history: body.historyPolicy === 'all' ? 'all' : 'from-join' }
    default: return {}
  }
}

interface Names { readonly people: ReadonlyMap<IdentityId, string>; readonly roles: ReadonlyMap<RoleId, string>; readonly channels: ReadonlyMap<ChannelId, string> }

/** As things were called last by anyone, in force or not. */
function namesIn(authority: Authority): Names {
  const people = new Map<IdentityId, string>(), roles = new Map<RoleId, string>(), channels = new Map<ChannelId, string>()
  for (const { author, body } of authority.nodes) {
    if (body?.type === 'join' && author !== undefined) people.set(author, body.displayName)
    if (body?.type === 'roleCreate' || body?.type === 'roleName') roles.set(body.role, body.name)
    if (body?.type === 'channelCreate' || body?.type === 'channelRename') channels.set(body.channel, body.name)
  }
  const { state } = authority
  for (const [role, { name }] of state.roles) if (name !== '') roles.set(role, name)
  for (const [channel, { name }] of state.channels) channels.set(channel, name)
  return { people, roles, channels }
}
