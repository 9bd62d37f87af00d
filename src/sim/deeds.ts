/** What people do. They only know what their own app tells them; what they said is written down, so that the checks can look for it. */
import type { ChannelInfo, Command, MemberInfo, MessageInfo } from '../api.ts'
import type { ChannelId } from '../wire/ids.ts'
import type { Permission } from '../wire/permissions.ts'
import { isReader } from './deeds-private.ts'
import type { SimNode } from './node.ts'
import type { People, SpaceModel } from './people.ts'

export type Deed = (people: People) => void | Promise<void>
/** Somebody who runs the app, and a space of theirs. */
export interface Someone { readonly node: SimNode; readonly space: SpaceModel }

const MAX_SPACES = 2
/** Longer than any clock is wrong, or nobody could come by a link of someone whose clock is late. */
export const LINK_MS = 365 * 24 * 3600_000
const EMOJI = ['👍', '🌱', '🎉']
const ROLES: readonly (readonly Permission[])[] = [['kick', 'ban', 'timeout', 'invite', 'channels', 'roles'], ['channels', 'messages', 'invite'], ['kick', 'timeout'], ['space', 'everyone']]

/** How often each is drawn, against the others. */
export const DEEDS: readonly (readonly [number, Deed])[] = [
  [40, say], [4, createSpace], [8, invite], [16, join], [3, createChannel], [3, renameChannel], [2, renameMe], [2, remove], [5, goAway], [10, comeBack],
  [4, edit], [5, react], [2, deleteMessage], [1, pin], [3, createRole], [5, promote], [2, demote], [1, changeRole], [1, deleteRole], [1, ban], [1, unban], [1, timeOut],
  [1, revokeInvite], [1, leave], [1, renameSpace], [1, setTopic], [1, deleteChannel], [1, setOverride], [1, setHistory], [1, transfer],
]

export function createSpace(p: People, by = p.pick(p.running.filter(({ name }) => p.isHonest(name)))): void {
  if (by === undefined || p.spaces.filter(({ isConversation }) => !isConversation).length >= MAX_SPACES) return
  p.ask(by, { type: 'create-space', name: `space ${p.number()}`, relays: p.relays }, ({ space }) => p.made(space, by))
}

export function invite(p: People, found = p.someMember()): void {
  if (found !== undefined) p.ask(found.node, { type: 'create-invite', space: found.space.id, expiresInMs: LINK_MS }, ({ link }) => found.space.links.push({ link, by: found.node }))
}

function join(p: People): void {
  const space = p.pick(p.spaces)
  const offer = space === undefined ? undefined : p.pick(space.links)
  // At times somebody who has been in before, and may have been removed.
  const node = p.pick(p.running.filter((one) => space?.joined.has(one) !== true || p.chance.percent(15)))
  if (space === undefined || offer === undefined || node === undefined) return
  if (!p.isHonest(offer.by.name)) space.misled.add(node.person)
  p.ask(node, { type: 'join', link: offer.link }, () => p.hasJoined(space, node))
}

export function say(p: People, found = p.someMember()): void {
  if (found === undefined) return
  inSomeChannel(p, found, (info) => {
    const { node, space } = found, { channel } = info
    p.ask(node, { type: 'list-members', space: space.id }, ({ members }) => {
      const said = p.says(node, space, channel, new Set(members.filter((member) => isReader(info, member) && hasCome(found, member)).map(({ name }) => name)))
      p.ask(node, { type: 'send-message', space: space.id, channel, text: said.text }, () => p.accepted(said))
    })
  })
}

/** In a conversation also those are named who have not come yet: nobody waits for them. */
function hasCome({ node, space }: Someone, { member }: MemberInfo): boolean {
  const replica = node.engine?.replicas.get(space.id), tip = replica?.groups.tip()
  return !space.isConversation || (tip !== undefined && replica?.groups.tree.nodes.get(tip)?.leaves.some((device) => device !== undefined && replica.authority.identityOf(device) === member) === true)
}

export function inSomeChannel(p: People, { node, space }: Someone, then: (info: ChannelInfo) => void): void {
  p.ask(node, { type: 'list-channels', space: space.id }, ({ channels }) => {
    const channel = p.pick(channels)
    if (channel !== undefined) then(channel)
  })
}

function onSomeMessage(p: People, then: (found: Someone, message: MessageInfo) => void, which: (message: MessageInfo) => boolean = () => true): void {
  const found = p.someMember()
  if (found === undefined) return
  inSomeChannel(p, found, ({ channel }) => {
    p.ask(found.node, { type: 'get-messages', space: found.space.id, channel }, ({ messages }) => {
      const message = p.pick(messages.filter((m) => m.state.type !== 'securing' && which(m)))
      if (message !== undefined) then(found, message)
    })
  })
}

function edit(p: People): void {
  onSomeMessage(p, ({ node, space }, message) => {
    const text = `${node.name} says instead ${p.number()}`
    p.saysInstead(message.text, text)
    p.ask(node, { type: 'edit-message', space: space.id, message: message.id, text })
  }, (m) => m.mine && m.deleted !== true)
}

function react(p: People): void {
  const emoji = p.pick(EMOJI) as string, on = p.chance.percent(80)
  onSomeMessage(p, ({ node, space }, { id }) => p.ask(node, { type: 'react', space: space.id, message: id, emoji, on }), (m) => m.deleted !== true)
}

function deleteMessage(p: People): void {
  onSomeMessage(p, ({ node, space }, message) => {
    p.takesBack(message.text)
    p.ask(node, { type: 'delete-message', space: space.id, message: message.id })
  }, (m) => m.deleted !== true)
}

function pin(p: People): void {
  const on = p.chance.percent(80)
  onSomeMessage(p, ({ node, space }, { id }) => p.ask(node, { type: 'pin-message', space: space.id, message: id, on }), (m) => m.deleted !== true)
}

function createChannel(p: People): void { inSpace(p, (space) => ({ type: 'create-channel', space: space.id, name: `channel ${p.number()}` })) }
function renameSpace(p: People): void { inSpace(p, (space) => ({ type: 'rename-space', space: space.id, name: `renamed space ${p.number()}` })) }

function inSpace(p: People, command: (space: SpaceModel) => Command): void {
  const found = p.someMember()
  if (found !== undefined) p.ask(found.node, command(found.space))
}

function inChannel(p: People, command: (space: SpaceModel, channel: ChannelId) => Command): void {
  const found = p.someMember()
  if (found !== undefined) inSomeChannel(p, found, ({ channel }) => p.ask(found.node, command(found.space, channel)))
}

function renameChannel(p: People): void { inChannel(p, (space, channel) => ({ type: 'rename-channel', space: space.id, channel, name: `renamed ${p.number()}` })) }
function setTopic(p: People): void { inChannel(p, (space, channel) => ({ type: 'set-topic', space: space.id, channel, topic: `topic ${p.number()}` })) }
function deleteChannel(p: People): void { inChannel(p, (space, channel) => ({ type: 'delete-channel', space: space.id, channel })) }
function setOverride(p: People): void {
  const deny = p.chance.percent(50)
  inChannel(p, (space, channel) => {
    const subject = p.pick(space.roles ?? [])
    return subject === undefined ? { type: 'list-overrides', space: space.id, channel } : { type: 'set-override', space: space.id, channel, role: subject, allow: deny ? [] : ['attach'], deny: deny ? ['thread'] : [] }
  })
}

/** Away and back to the same name: names tell the checks who is who. */
function renameMe(p: People): void {
  const node = p.pick(p.running)
  if (node !== undefined) p.ask(node, { type: 'set-name', name: node.person })
}

function onSomeone(p: People, command: (space: SpaceModel, member: MemberInfo, by: SimNode) => Command | undefined, which: (member: MemberInfo) => boolean = (m) => !m.me): void {
  // Whoever made the space can do the most, so it is they in half of the cases.
  const creator = p.pick(p.spaces.filter((space) => space.creator.isRunning))
  const found = creator !== undefined && p.chance.percent(50) ? { node: creator.creator, space: creator } : p.someMember()
  if (found === undefined) return
  p.ask(found.node, { type: 'list-members', space: found.space.id }, ({ members }) => {
    const member = members.length < 3 ? undefined : p.pick(members.filter(which))
    const asked = member === undefined ? undefined : command(found.space, member, found.node)
    if (asked !== undefined) p.ask(found.node, asked)
  })
}

/** Even if it fails to be answered, it may have been done: nothing of theirs can be counted on any more. */
function restrict(space: SpaceModel, member: MemberInfo): void {
  space.lackPast = true
  space.restricted.add(member.name)
}

function remove(p: People): void { onSomeone(p, (space, m) => { restrict(space, m); return { type: 'remove-member', space: space.id, member: m.member } }) }
function ban(p: People): void { onSomeone(p, (space, m) => { restrict(space, m); return { type: 'ban-member', space: space.id, member: m.member } }) }
function timeOut(p: People): void {
  // Their app counts from its own clock, right or wrong.
  onSomeone(p, (space, m, by) => { restrict(space, m); return { type: 'time-out-member', space: space.id, member: m.member, until: p.now + by.skewMs + p.chance.between(1000, 600_000) } })
}

function unban(p: People): void {
  const found = p.someMember()
  if (found === undefined) return
  p.ask(found.node, { type: 'list-bans', space: found.space.id }, ({ bans }) => {
    const one = p.pick(bans)
    if (one !== undefined) p.ask(found.node, { type: 'unban-member', space: found.space.id, member: one.member })
  })
}

function createRole(p: People): void {
  const permissions = p.pick(ROLES) ?? [], power = p.chance.between(1, 90)
  const found = p.someMember()
  if (found !== undefined) p.ask(found.node, { type: 'create-role', space: found.space.id, name: `role ${p.number()}`, power, permissions }, ({ role }) => { (found.space.roles ??= []).push(role) })
}

function promote(p: People): void {
  onSomeone(p, (space, m) => { const role = p.pick(space.roles ?? []); return role === undefined ? undefined : { type: 'give-role', space: space.id, member: m.member, role } })
}

function demote(p: People): void {
  onSomeone(p, (space, m) => { const role = p.pick(m.roles); return role === undefined ? undefined : { type: 'take-role', space: space.id, member: m.member, role } }, (m) => m.roles.length > 0)
}

function changeRole(p: People): void {
  const power = p.chance.between(1, 90)
  inSpace(p, (space) => { const role = p.pick(space.roles ?? []); return role === undefined ? { type: 'list-roles', space: space.id } : { type: 'change-role', space: space.id, role, power, permissions: p.pick(ROLES) ?? [] } })
}

function deleteRole(p: People): void {
  inSpace(p, (space) => { const role = p.pick(space.roles ?? []); return role === undefined ? { type: 'list-roles', space: space.id } : { type: 'delete-role', space: space.id, role } })
}

function revokeInvite(p: People): void {
  const found = p.someMember()
  if (found === undefined) return
  p.ask(found.node, { type: 'list-invites', space: found.space.id }, ({ invites }) => {
    const one = p.pick(invites.filter(({ state }) => state === 'live'))
    if (one !== undefined) p.ask(found.node, { type: 'revoke-invite', space: found.space.id, invite: one.invite })
  })
}

function leave(p: People): void {
  const found = p.someMember()
  if (found === undefined || found.node === found.space.creator) return
  found.space.lackPast = true
  found.space.restricted.add(found.node.person)
  p.ask(found.node, { type: 'leave-space', space: found.space.id }, () => { found.space.joined.delete(found.node) })
}

function setHistory(p: People): void {
  const history = p.chance.percent(50) ? 'from-join' : 'all'
  inSpace(p, (space) => { space.lackPast = true; return { type: 'set-history', space: space.id, history } })
}

/** To somebody honest: the owner may do anything. */
function transfer(p: People): void {
  onSomeone(p, (space, m) => (p.isHonest(m.name) && space.creator.isRunning ? { type: 'transfer-ownership', space: space.id, member: m.member } : undefined))
}

async function goAway(p: People): Promise<void> {
  const { running } = p
  const node = running.length > 1 ? p.pick(running) : undefined
  if (node === undefined) return
  p.note(`${node.name} goes away`)
  await node.stop()
}

async function comeBack(p: People): Promise<void> {
  const node = p.pick(p.nodes.filter((one) => !one.isRunning))
  if (node === undefined) return
  p.note(`${node.name} comes back`)
  await p.start(node)
  p.ask(node, { type: 'set-name', name: node.person })
}
