/** What people do in small circles: channels that not everyone reads, and conversations of a few. */
import type { ChannelInfo, MemberInfo, Readers } from '../api.ts'
import { type Deed, inSomeChannel, type Someone } from './deeds.ts'
import type { People, SpaceModel } from './people.ts'

export const PRIVATE_DEEDS: readonly (readonly [number, Deed])[] = [[2, openPrivateChannel], [2, changeReaders], [1, setPrivateHistory], [1, openConversation]]

const MAX_CONVERSATIONS = 1

/** Some of the members, and whoever chooses. At times by a role. */
function someReaders(p: People, space: SpaceModel, members: readonly MemberInfo[]): Readers {
  const role = p.chance.percent(20) ? p.pick(space.roles ?? []) : undefined
  return { members: members.filter(({ me }) => me || p.chance.percent(50)).map(({ member }) => member), roles: role === undefined ? [] : [role] }
}

export const isReader = ({ readers }: ChannelInfo, { member, roles }: MemberInfo): boolean =>
  readers === undefined || readers.members.includes(member) || readers.roles.some((role) => roles.includes(role))

function openPrivateChannel(p: People): void {
  const found = p.someMember()
  if (found === undefined) return
  withMembers(p, found, (members) => {
    const { node, space } = found, readers = someReaders(p, space, members)
    p.ask(node, { type: 'create-channel', space: space.id, name: `private ${p.number()}`, readers }, ({ channel }) => { if (channel !== undefined) noteReaders(space, channel, readers) })
  })
}

/** Also to everyone, and from everyone to a few. Who is put out may have said something that counts no more, even if it fails to be answered. */
function changeReaders(p: People): void {
  const found = p.someMember()
  if (found === undefined) return
  inSomeChannel(p, found, ({ channel }) => withMembers(p, found, (members) => {
    const { node, space } = found
    const readers = p.chance.percent(20) ? undefined : someReaders(p, space, members)
    noteReaders(space, channel, readers ?? {})
    for (const one of members) if (readers?.members?.includes(one.member) === false) space.restricted.add(`${one.name} ${channel}`)
    p.ask(node, { type: 'set-readers', space: space.id, channel, ...(readers === undefined ? {} : { readers }) })
  }))
}

function setPrivateHistory(p: People): void {
  const found = p.someMember(), history = p.chance.percent(50) ? 'from-join' : 'all'
  if (found !== undefined) inSomeChannel(p, found, (info) => { if (info.private) p.ask(found.node, { type: 'set-history', space: found.space.id, channel: info.channel, history }) })
}

function noteReaders(space: SpaceModel, channel: ChannelInfo['channel'], { roles = [] }: Readers): void {
  space.narrowed.add(channel)
  if (roles.length > 0) space.byRole.add(channel)
}

function withMembers(p: People, { node, space }: Someone, then: (members: readonly MemberInfo[]) => void): void {
  p.ask(node, { type: 'list-members', space: space.id }, ({ members }) => then(members))
}

/** With one or two people whose software is honest: what would be said there with a liar is no more than in any space. */
function openConversation(p: People): void {
  const found = p.someMember()
  if (found === undefined || found.space.isConversation || !p.isHonest(found.node.name) || p.spaces.filter((space) => space.isConversation).length >= MAX_CONVERSATIONS) return
  withMembers(p, found, (members) => {
    const others = p.chance.shuffle(members.filter(({ me, name }) => !me && p.isHonest(name))).slice(0, p.chance.between(1, 2))
    if (others.length === 0) return
    p.ask(found.node, { type: 'open-dm', space: found.space.id, members: others.map(({ member }) => member) }, ({ space }) => {
      if (p.spaces.some(({ id }) => id === space)) return
      p.made(space, found.node, { isConversation: true, joined: new Set(p.nodes.filter(({ name }) => name === found.node.name || others.some((one) => one.name === name))) })
    })
  })
}
