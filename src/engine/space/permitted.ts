/**
 * Whether one op is permitted, given what its author had seen. The rules are numbered in ../RULES.md; this is all of them that look at one past.
 * Everywhere: one acts only on identities of strictly lower power, and gives only power strictly below one's own.
 */
import { type AuthorityBody, EVERYONE, type RoleId } from '../../wire/authority.ts'
import type { DeviceId, IdentityId } from '../../wire/ids.ts'
import { HLC_STEP } from '../../wire/op.ts'
import type { Permission } from '../../wire/permissions.ts'
import { ALL_PERMISSIONS, has } from './permissions.ts'
import type { Reason } from './reasons.ts'
import { isProper } from './retention.ts'
import type { View } from './view.ts'

export const MAX_ROLES = 256
export const MAX_CHANNELS = 1024
/** At a time. Each is a group of its own, which its readers' devices keep up. */
export const MAX_AUDIENCES = 64

export interface Act {
  /** undefined: an op of another part, which only needs a member as its author. */
  readonly body: AuthorityBody | undefined
  readonly author: IdentityId | undefined
  /** undefined when a command is weighed before there is an op. */
  readonly device: DeviceId | undefined
  readonly hlc: number
  /** For a join: the invite op its proof fits. */
  readonly invite: number | undefined
}

/** In a direct conversation nobody takes anything from the others. What else needs power there, nobody has the power for. */
const NOT_IN_DM: ReadonlySet<AuthorityBody['type']> = new Set<AuthorityBody['type']>(['channelDelete', 'channelOverride', 'channelAudience', 'audience', 'audienceHistory', 'clear'])

const no = (code: Reason['code']): Reason => ({ code })

export function permitted(act: Act, view: View): Reason | undefined {
  const { author, body } = act
  if (body?.type === 'genesis') return undefined
  if (author === undefined) return no('not-a-member')
  if (body?.type === 'join') return joining(act, author, view)
  if (!view.isMember(author)) return no('not-a-member')
  // Its person's key has said so for this space, which needs no other device.
  const addsItself = body?.type === 'deviceAdd' && body.device === act.device
  if (!addsItself && act.device !== undefined && view.deviceOwner(act.device) !== author) {
    return no(view.any(`revoke ${act.device}`) ? 'device-revoked' : 'device-not-authorised')
  }
  if (body !== undefined && view.dm() !== undefined && NOT_IN_DM.has(body.type)) return no('not-in-dm')
  return body === undefined ? undefined : acting(body, author, act.device, view)
}

function joining(act: Act, author: IdentityId, view: View): Reason | undefined {
  const { body, device, invite } = act
  if (body?.type !== 'join') return no('malformed')
  if (view.isBanned(author)) return no('banned')
  if (view.dm()?.includes(author) === false) return no('not-in-dm')
  if (device !== undefined) {
    if (view.any(`revoke ${device}`)) return no('device-revoked')
    const cert = view.certificate(device)
    if (cert !== undefined && view.history.node(cert).author !== author) return no('device-taken')
    if (view.deviceOwner(device) === author) return no('exists')
  }
  if (invite === undefined || ![...view.each(`invite ${body.invite}`)].includes(invite)) return no('unknown-invite')
  const terms = view.body(invite, 'invite')
  if (terms === undefined) return no('unknown-invite')
  if (view.any(`uninvite ${body.invite}`)) return no('invite-revoked')
  if (!view.sawAll(invite, `kick ${author}`)) return no('invite-before-removal')
  if (act.hlc / HLC_STEP > terms.expiresAt) return no('invite-expired')
  return view.used(body.invite) >= terms.uses ? no('invite-used-up') : undefined
}

/** A member's op, by type. */
function acting(body: AuthorityBody, author: IdentityId, device: DeviceId | undefined, view: View): Reason | undefined {
  switch (body.type) {
    case 'genesis': case 'join': return no('malformed')
    case 'leave': return view.owner() === author ? no('owner-must-transfer') : undefined
    case 'keyPackage': case 'profile': case 'about': case 'forkProof': return undefined
    case 'recover': return recovering(body.to, body.set, view)
    case 'invite': case 'inviteRevoke': return inviting(body, author, view)
    case 'kick': return needs(author, 'kick', view) ?? (view.isMember(body.identity) ? below(author, body.identity, view) : no('unknown-member'))
    case 'ban': return needs(author, 'ban', view) ?? below(author, body.identity, view)
    case 'unban': return unbanning(body.identity, author, view)
    case 'timeout': return needs(author, 'timeout', view) ?? (view.isMember(body.identity) ? below(author, body.identity, view) : no('unknown-member'))
    case 'deviceAdd': return adding(body.device, author, view)
    case 'deviceRevoke': return revoking(body.device, body.proof !== undefined || body.device === device, author, view)
    case 'roleCreate': case 'roleName': case 'rolePower': case 'rolePermissions': case 'roleDelete': return shapingRole(body, author, view)
    case 'roleAssign': case 'roleUnassign': return givingRole(body, author, view)
    case 'channelCreate': case 'channelRename': case 'channelTopic': case 'channelPlace': case 'channelDelete': case 'channelOverride': case 'channelAudience': case 'audience': case 'audienceHistory': case 'clear': case 'slowMode':
      return shapingChannel(body, author, view)
    case 'retention': return keeping(body, author, view)
    case 'spaceRename': case 'spaceHistory': case 'spaceRelays': return needs(author, 'space', view)
    case 'ownerTransfer':
      if (view.owner() !== author) return no('owner-only')
      return body.to !== author && view.isMember(body.to) ? undefined : no('unknown-member')
    case 'recoverySet':
      if (view.owner() !== author) return no('owner-only')
      return body.threshold <= body.identities.length && (body.threshold > 0 || body.identities.length === 0) ? undefined : no('malformed')
  }
}

function needs(author: IdentityId, permission: Permission, view: View): Reason | undefined {
  return has(view.permissions(author), permission) ? undefined : { code: 'no-permission', permission }
}

/** The target's power must be strictly lower. */
const below = (author: IdentityId, target: IdentityId, view: View): Reason | undefined =>
  view.power(target) < view.power(author) ? undefined : no('power-too-low')

type Of<T extends AuthorityBody['type']> = Extract<AuthorityBody, { type: T }>

function inviting(body: Of<'invite' | 'inviteRevoke'>, author: IdentityId, view: View): Reason | undefined {
  if (body.type === 'invite') {
    const missing = needs(author, 'invite', view)
    if (missing !== undefined) return missing
    if (view.any(`invite ${body.invite}`)) return no('exists')
    if (body.role === undefined) return undefined
    if (body.role === EVERYONE) return no('everyone-role')
    return needs(author, 'roles', view) ?? roleBelow(body.role, author, view)
  }
  const made = [...view.each(`invite ${body.invite}`)].map((i) => view.history.node(i))
  if (made.length === 0) return no('unknown-invite')
  return made.every((node) => node.author === author) ? undefined : needs(author, 'kick', view)
}

function unbanning(target: IdentityId, author: IdentityId, view: View): Reason | undefined {
  const missing = needs(author, 'ban', view)
  if (missing !== undefined) return missing
  const bans = view.openBans(target)
  if (bans.length === 0) return no('unknown-ban')
  return bans.every((ban) => view.powerOf(ban) <= view.power(author)) ? undefined : no('power-too-low')
}

function adding(device: DeviceId, author: IdentityId, view: View): Reason | undefined {
  if (view.any(`revoke ${device}`)) return no('device-revoked')
  const cert = view.certificate(device)
  if (cert === undefined) return undefined
  return no(view.history.node(cert).author === author ? 'exists' : 'device-taken')
}

function revoking(device: DeviceId, proven: boolean, author: IdentityId, view: View): Reason | undefined {
  const cert = view.certificate(device)
  const target = cert === undefined ? undefined : view.history.node(cert).author
  if (target === undefined) return no('unknown-device')
  if (view.any(`revoke ${device}`)) return no('nothing-to-do')
  if (target === author) return proven ? undefined : no('bad-signature')
  return needs(author, 'kick', view) ?? below(author, target, view)
}

function roleBelow(role: RoleId, author: IdentityId, view: View): Reason | undefined {
  if (!view.roleExists(role)) return no('unknown-role')
  return view.rolePower(role) < view.power(author) ? undefined : no('power-too-low')
}

function shapingRole(body: Of<'roleCreate' | 'roleName' | 'rolePower' | 'rolePermissions' | 'roleDelete'>, author: IdentityId, view: View): Reason | undefined {
  const missing = needs(author, 'roles', view)
  if (missing !== undefined) return missing
  if (body.type === 'roleCreate') {
    if (body.role === EVERYONE || view.any(`role ${body.role}`)) return no('exists')
    if (view.countRoles() >= MAX_ROLES) return no('limit-reached')
  } else {
    const notBelow = roleBelow(body.role, author, view)
    if (notBelow !== undefined) return notBelow
    if (body.role === EVERYONE && body.type !== 'rolePermissions') return no('everyone-role')
  }
  if ((body.type === 'roleCreate' || body.type === 'rolePower') && body.power >= view.power(author)) return no('grants-too-much')
  if (body.type === 'roleCreate' || body.type === 'rolePermissions') {
    const before = body.type === 'roleCreate' ? 0 : view.rolePermissions(body.role)
    const added = body.permissions & ~before
    if ((body.permissions & ~ALL_PERMISSIONS) !== 0) return no('malformed')
    if ((added & ~view.permissions(author)) !== 0) return no('grants-too-much')
  }
  return undefined
}

function givingRole(body: Of<'roleAssign' | 'roleUnassign'>, author: IdentityId, view: View): Reason | undefined {
  if (body.role === EVERYONE) return no('everyone-role')
  if (!view.isMember(body.identity)) return no('unknown-member')
  const holds = view.rolesOf(body.identity).includes(body.role)
  if (body.type === 'roleUnassign') {
    if (!holds) return no('nothing-to-do')
    // Laying down an own role needs nobody's leave.
    if (body.identity === author) return undefined
  } else if (holds) return no('nothing-to-do')
  return needs(author, 'roles', view) ?? roleBelow(body.role, author, view) ?? below(author, body.identity, view)
}

type ChannelBody = Of<'channelCreate' | 'channelRename' | 'channelTopic' | 'channelPlace' | 'channelDelete' | 'channelOverride' | 'channelAudience' | 'audience' | 'audienceHistory' | 'clear' | 'slowMode'>

function shapingChannel(body: ChannelBody, author: IdentityId, view: View): Reason | undefined {
  const missing = needs(author, 'channels', view)
  if (missing !== undefined) return missing
  if (body.type === 'audience') return naming(body, author, view)
  if (body.type === 'audienceHistory') return body.audience !== 0 && hasAudience(body.audience, view) ? decides(body.audience, author, view) : no('unknown-audience')
  if (body.type === 'channelCreate') {
    if (view.any(`channel ${body.channel}`) || body.channel === '0'.repeat(32)) return no('exists')
    if (view.countChannels() >= MAX_CHANNELS) return no('limit-reached')
    return isOpen(body.audience, view) ? undefined : no('unknown-audience')
  }
  if (!view.channelExists(body.channel)) return no('unknown-channel')
  if (body.type === 'channelAudience' && !isOpen(body.audience, view)) return no('unknown-audience')
  // Where all are equal nobody slows the others down.
  if (body.type === 'slowMode' && view.dm() !== undefined) return no('not-in-dm')
  return body.type === 'channelOverride' ? overriding(body, author, view) : undefined
}

/** How long a channel keeps what is said is for those to say who might delete it whole; for all channels, for those who set the frame of the space. */
function keeping(body: Of<'retention'>, author: IdentityId, view: View): Reason | undefined {
  const missing = needs(author, body.channel === undefined ? 'space' : 'channels', view)
  if (missing !== undefined) return missing
  if (!isProper(body)) return no('malformed')
  return body.channel === undefined || view.channelExists(body.channel) ? undefined : no('unknown-channel')
}

const hasAudience = (audience: number, view: View): boolean => audience === 0 || view.any(`audience ${audience}`)

/** An audience that has ended is for no further channel: its place has gone to another. */
const isOpen = (audience: number, view: View): boolean => audience === 0 || (hasAudience(audience, view) && !view.endedAudiences().has(audience))

/** Its readers say who else reads, and what; and the owner, for when none is left. */
const decides = (audience: number, author: IdentityId, view: View): Reason | undefined => view.reads(author, audience) || view.owner() === author ? undefined : no('not-a-reader')

/** Somebody must make the group: who opens an audience reads it. Later its readers say who else does, and the owner, for when none is left. */
function naming(body: Of<'audience'>, author: IdentityId, view: View): Reason | undefined {
  if (body.audience === 0) return no('unknown-audience')
  if (hasAudience(body.audience, view)) return decides(body.audience, author, view)
  if (view.countAudiences() >= MAX_AUDIENCES) return no('limit-reached')
  return view.isNamed(body, author) ? undefined : no('not-a-reader')
}

function overriding(body: Of<'channelOverride'>, author: IdentityId, view: View): Reason | undefined {
  if ((body.role === undefined) === (body.identity === undefined)) return no('malformed')
  // Only what one holds can be given or taken, so that an override is no way around the own limits.
  if (((body.allow | body.deny) & ~view.permissions(author)) !== 0 || (body.allow & body.deny) !== 0) return no('grants-too-much')
  if (body.role !== undefined) return roleBelow(body.role, author, view)
  const identity = body.identity as IdentityId
  return view.isMember(identity) ? below(author, identity, view) : no('unknown-member')
}

/** Signatures were counted against the set it names when the op came in: what can change is which set is in force. */
function recovering(to: IdentityId, set: string, view: View): Reason | undefined {
  const index = view.register('recovery')
  if (index === undefined || view.history.node(index).id !== set) return no('no-permission')
  return view.isMember(to) ? undefined : no('unknown-member')
}
