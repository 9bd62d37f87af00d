/**
 * What must come true after the healing, within a bound, of everyone who is honest:
 *   L1  every member sees the same members, channels and messages, in the same order, each message once; only who came by a link after somebody
 *       was removed may lack what was said before, or by people who didn't know of them yet: links give no keys of times before a removal
 *   L2  every message said by someone who is a member and was never restricted is there, but what somebody deleted
 *   L3  its author knows it is delivered to all others
 *   L4  nobody is still joining, but by a link of somebody's whose software lies: what lies behind it may be worth nothing
 *   L5  who is invited now gets in, and all of the above holds with them (asked in run.ts)
 *   L6  whoever is out of a space knows it
 *   I3, I5, I6 of the groups
 */
import type { Command, CommandType, MessageInfo, Reply, Results } from '../api.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { keptOp } from '../engine/content/kept.ts'
import { reads } from '../engine/space/readers.ts'
import { toHex } from '../wire/bytes.ts'
import type { Checks } from './checks.ts'
import { type Held, i3EntitledHaveKeys, i5OneTip, i6LeavesAreTheAuthorised, type Problem } from './invariants-group.ts'
import type { SimNode } from './node.ts'
import { SMALL_SKEW_MS } from './people.ts'
import type { World } from './world.ts'

/** Every text is said once in a simulation, so it names the message: an id may change while the message waits to be secured. `text` is the first; edits have others. */
export interface Said {
  readonly space: SpaceId; readonly channel: ChannelId; readonly author: string; readonly text: string; readonly at: number
  /** Who was a member, as the author knew. */
  readonly to: ReadonlySet<string>
  /** Somebody wanted it deleted. */
  isTakenBack: boolean
}

/** What the people know of a space that its members' devices may not. */
export interface Peopled {
  readonly id: SpaceId
  readonly creator: SimNode
  /** When each last came in by a link. */
  readonly joinedAt: Map<string, number>
  /** Removed, timed out, gone: what they say may not count. With a channel's id behind the name, who was put out of it. */
  readonly restricted: Set<string>
  readonly isConversation: boolean
  /** Channels that were for a few once: who reads them may lack what was said before. */
  readonly narrowed: Set<ChannelId>
  /** Of those, the ones that are for whoever has some role. */
  readonly byRole: Set<ChannelId>
  /** What was said there until then may go. */
  readonly cleared: Map<ChannelId, number>
  /** Who followed a link that a liar made. */
  readonly misled: Set<string>
  /** Whoever joins may lack what was said before: somebody was removed, or the space doesn't show it. */
  lackPast: boolean
}

/** Whose disk was put back to before they came in, or came in again, doesn't know of it: they would need another link. */
const hasForgotten = ({ engine, wasPutBack }: SimNode, space: SpaceId): boolean => wasPutBack && engine !== undefined && engine.replicas.get(space)?.state() !== 'member'

/** To a conversation one comes by a word that may be lost with a relay, or with the space in which it was said. */
const hasCome = ({ engine }: SimNode, space: SpaceId): boolean => engine?.replicas.get(space)?.state() === 'member'

/** Whoever goes from a space while removed from it says so to nobody, and stays away should the removal turn out void. */
function hasTurnedAway({ engine }: SimNode, space: SpaceId): boolean {
  const replica = engine?.replicas.get(space)
  return replica?.record.state === 'left' && replica.state() === 'removed'
}

export class Liveness {
  private readonly world: World
  private readonly checks: Checks
  private readonly judgeOf: (space: Peopled) => SimNode

  constructor(world: World, checks: Checks, judgeOf: (space: Peopled) => SimNode) {
    this.world = world
    this.checks = checks
    this.judgeOf = judgeOf
  }

  private rightClocks: ReadonlySet<string> = new Set()
  private putBack: ReadonlySet<string> = new Set()
  /** Audiences of the space that is looked at whose group is lost. */
  private readonly lost = new Set<number>()

  /** What is not yet as it must be after the healing; undefined when all is well. */
  async unsettled(everyone: readonly SimNode[], spaces: readonly Peopled[]): Promise<string | undefined> {
    const nodes = everyone.filter(({ name, isSpare }) => this.checks.isHonest(name) && !isSpare)
    this.putBack = new Set(nodes.filter(({ wasPutBack }) => wasPutBack).map(({ person }) => person))
    this.rightClocks = new Set(nodes.map(({ person }) => person).filter((person) => nodes.every((node) => node.person !== person || isNearlyRight(node))))
    for (const space of spaces) {
      const problem = await this.unsettledSpace(nodes, space)
      if (problem !== undefined) return problem
    }
    for (const node of nodes) {
      const { spaces: list } = await this.ask(node, { type: 'list-spaces' }) ?? { spaces: [] }
      const waiting = list.find(({ state, space }) => state === 'joining' && spaces.find(({ id }) => id === space)?.misled.has(node.person) !== true)
      if (waiting !== undefined) return `L4: ${node.name} is still joining ${waiting.name}`
    }
    return undefined
  }

  private async unsettledSpace(nodes: readonly SimNode[], peopled: Peopled): Promise<string | undefined> {
    const { id: space } = peopled
    const judge = this.judgeOf(peopled)
    const reference = await this.view(judge, space)
    if (reference === undefined) return `L1: ${judge.name} doesn't see a space that it is in`
    const devices = judge.engine?.replicas.get(space)?.authority.state.devices
    // Of two devices of one person each is in the spaces into which it came itself, or in which it was linked.
    const isOneOfTwo = ({ person }: SimNode): boolean => nodes.some((other) => other.isSecond && other.person === person)
    const isIn = (node: SimNode): boolean => reference.names.includes(node.person) && (!isOneOfTwo(node) || (node.engine?.me !== undefined && devices?.has(node.engine.me.device) === true))
    const members = nodes.filter((node) => isIn(node) && !hasTurnedAway(node, space) && !hasForgotten(node, space) && !(peopled.isConversation && !hasCome(node, space)))
    const astray = nodes.find((node) => !isIn(node) && node.engine?.replicas.get(space)?.state() === 'member')
    if (astray !== undefined) return `L6: ${astray.name} believes to be a member of ${space.slice(0, 8)}, where ${judge.name} knows only ${reference.names.join(', ')}`
    const problem = await this.groups(members, space)
    if (problem !== undefined) return problem
    const views = new Map<SimNode, View>()
    for (const node of members) {
      const view = await this.view(node, space)
      if (view === undefined) return `L1: ${node.name} is a member, but doesn't see the space`
      views.set(node, view)
    }
    const different = this.different(judge, reference, views, peopled)
    if (different !== undefined) return different
    // Whoever is the owner now may have come late: what anybody has is there.
    const missing = this.missing(judge, reference, [...views.values()], peopled)
    if (missing !== undefined) return missing
    for (const [node, { messages }] of views) {
      for (const { text, channel, state } of messages) {
        const others = [...new Set(members.filter((member) => views.get(member)?.channels.has(channel) === true).map(({ person }) => person))].filter((person) => person !== node.person)
        const isKnown = state.type === 'received' || others.length === 0 || (state.type === 'delivered' && state.to >= others.length)
        const { audience = 0 } = judge.engine?.replicas.get(space)?.authority.state.channels.get(channel) ?? {}
        if (!isKnown && !peopled.cleared.has(channel) && !this.lost.has(audience)) return `L3: ${node.name} has ${JSON.stringify(text)} as ${JSON.stringify(state)}, with ${others.join(', ')} as the other readers`
      }
    }
    return undefined
  }

  /** Everyone is held against whoever judges the space, and in channels that those don't read against the first who does. */
  private different(judge: SimNode, reference: View, views: ReadonlyMap<SimNode, View>, peopled: Peopled): Problem {
    const state = judge.engine?.replicas.get(peopled.id)?.authority.state
    const firsts = new Map<ChannelId, readonly [SimNode, View]>()
    for (const [node, view] of views) {
      const me = node.engine?.replicas.get(peopled.id)?.me.identity
      if (state === undefined || me === undefined) continue
      const should = [...state.channels].filter(([, { kind, audience }]) => kind !== 'category' && reads(state, audience, me)).map(([channel]) => channel)
      const wrong = should.find((channel) => !view.channels.has(channel)) ?? [...view.channels.keys()].find((channel) => !should.includes(channel))
      if (wrong !== undefined) return `L1: ${node.name} ${view.channels.has(wrong) ? 'lists' : "doesn't list"} channel ${wrong.slice(0, 8)}, by what ${judge.name} knows of who reads it`
      for (const channel of view.channels.keys()) if (!firsts.has(channel)) firsts.set(channel, reference.channels.has(channel) ? [judge, reference] : [node, view])
      for (const [other, theirs] of new Map([[judge, reference], ...firsts.values()])) {
        const channels = new Set([...view.channels.keys()].filter((channel) => (other === judge ? theirs.channels.has(channel) : firsts.get(channel)?.[0] === other)))
        const [left, right] = [within(theirs, channels), within(view, channels)]
        const difference = differ(this.asSeenBy(node.person, left, right, peopled), this.asSeenBy(other.person, right, left, peopled), {
          withNotes: ({ channel }) => !peopled.lackPast && !peopled.narrowed.has(channel), isOrdered: this.areOrdered(other, node), isKept: (message) => this.isKept(message, peopled),
        })
        if (difference !== undefined) return `L1: ${other.name} and ${node.name} differ in ${difference}`
      }
    }
    return undefined
  }

  /** What was said where it may be deleted by now is on some disks, and not on others. */
  private isKept({ channel, text }: Pick<MessageInfo, 'channel' | 'text'>, { cleared }: Peopled): boolean {
    const until = cleared.get(channel), said = this.checks.said.get(text)
    return until === undefined || (said !== undefined && said.at > until + SMALL_SKEW_MS && this.rightClocks.has(said.author))
  }

  /** What is from further ahead than a clock believes stands where that allows. What honest people said by clocks that are nearly right stands alike for all who have such a clock. */
  private areOrdered(...readers: readonly SimNode[]): (message: MessageInfo) => boolean {
    if (readers.some((reader) => !isNearlyRight(reader))) return () => false
    return ({ author }) => this.rightClocks.has(this.checks.personOf(author))
  }

  /** Who once came by a link that did not count, since its maker was out: what they said before they came again doesn't count either. */
  private uncounted(judge: SimNode, space: SpaceId): ReadonlySet<string> {
    const replica = judge.engine?.replicas.get(space), joins = [...replica?.log.authority.values() ?? []].filter(({ id, header }) => header.type === 'join' && replica?.authority.verdict(id).type === 'void')
    return new Set(joins.flatMap(({ header }) => { const identity = replica?.authority.identityOf(header.device); return identity === undefined ? [] : [this.checks.personOf(identity)] }))
  }

  private missing(judge: SimNode, { messages, names }: View, views: readonly View[], peopled: Peopled): Problem {
    const { id, restricted, byRole } = peopled
    const seen = new Map<Said, number>()
    for (const { text } of messages) {
      const said = this.checks.said.get(text)
      if (said !== undefined) seen.set(said, (seen.get(said) ?? 0) + 1)
    }
    // What waited to be sent when a backup was made, and was sent, waits again on the disk that it is put back to.
    const twice = [...seen].find(([{ author }, times]) => times > 1 && !this.putBack.has(author))
    if (twice !== undefined) return `L1: ${JSON.stringify(twice[0].text)} is there ${twice[1]} times`
    const channels = new Set(views.flatMap((view) => [...view.channels.keys()]))
    const known = new Set(views.flatMap((view) => view.messages.map(({ text }) => this.checks.said.get(text))))
    const uncounted = this.uncounted(judge, id)
    for (const said of this.checks.accepted) {
      const isOwed = said.space === id && !uncounted.has(said.author) && !said.isTakenBack && this.checks.isHonest(said.author) && names.includes(said.author) && ![said.author, `${said.author} ${said.channel}`].some((one) => restricted.has(one))
      if (isOwed && channels.has(said.channel) && !byRole.has(said.channel) && this.isKept(said, peopled) && !known.has(said)) return `L2: ${JSON.stringify(said.text)} is missing`
    }
    return undefined
  }

  private async groups(members: readonly SimNode[], space: SpaceId): Promise<Problem> {
    const byAudience = new Map<number, Held[]>()
    this.lost.clear()
    for (const { name, engine } of members) {
      // Whose channels are all gone has ended (U5).
      for (const audience of engine?.replicas.get(space)?.audiences.values() ?? []) if (audience.isUsed) byAudience.set(audience.number, [...byAudience.get(audience.number) ?? [], { name, audience }])
    }
    for (const held of byAudience.values()) {
      // Who doesn't read an audience has only what is public of it.
      const readers = held.filter(({ audience }) => audience.devices.has(audience.replica.me.device))
      if (this.isLost(readers)) { this.lost.add(readers[0]?.audience.number ?? 0); continue }
      const tips = i5OneTip(readers)
      if (tips !== undefined) return `I5: ${tips}`
      for (const one of readers) {
        const leaves = i6LeavesAreTheAuthorised(one)
        if (leaves !== undefined) return `I6: ${leaves}`
      }
    }
    for (const node of members) {
      const locked = await this.locked(node, space)
      if (locked !== undefined) return `I3: ${node.name}: ${locked}`
    }
    return undefined
  }

  /** A group of which nobody has a state: its founder's disk was put back to before it, sooner than anybody had its tree. Its channel is made anew by people, not by devices. */
  private isLost(readers: readonly Held[]): boolean {
    const [one] = readers, tip = one?.audience.groups.tip(), author = tip === undefined ? undefined : one?.audience.groups.tree.nodes.get(tip)?.author
    return tip !== undefined && author !== undefined && this.putBack.has(this.checks.speakerOf(author)) && readers.every(({ audience }) => !audience.groups.states.has(tip))
  }

  private async locked(node: SimNode, space: SpaceId): Promise<Problem> {
    const replica = node.engine?.replicas.get(space)
    const rows = await node.rows(`locked/${space}`)
    if (replica === undefined || rows.length === 0) return undefined
    const ops = new Map<string, Op>()
    for (const channel of new Set(rows.map((row) => toHex(row.key.subarray(0, 16))))) {
      for (const row of await node.rows(`ops/${space}/${channel}`)) {
        const op = keptOp(replica, channel as ChannelId, row)
        if (op !== undefined) ops.set(channel + toHex(row.key), op)
      }
    }
    return await i3EntitledHaveKeys(replica, rows, (channel, key) => ops.get(channel + toHex(key)), {
      isHonest: (device) => this.checks.isHonestDevice(device),
      couldAdd: (device) => [node.person, this.checks.speakerOf(device)].every((name) => this.rightClocks.has(name)),
    })
  }

  /** The reference without what this member lacks and need not have. */
  private asSeenBy(name: string, reference: View, view: View, { lackPast, joinedAt, narrowed, restricted }: Peopled): View {
    const seen = new Set(view.messages.map(({ id: own }) => own))
    const messages = reference.messages.filter(({ id, text, channel }) => {
      const said = this.checks.said.get(text)
      // By a clock that is wrong by a year nobody can be added, nor add: what is said then, where the past isn't shown, waits for nobody (H1).
      const wasAddable = said !== undefined && this.rightClocks.has(name) && this.rightClocks.has(said.author)
      const mayLack = lackPast || narrowed.has(channel)
      return !mayLack || seen.has(id) || (wasAddable && said.to.has(name) && said.at >= (joinedAt.get(name) ?? 0) && !restricted.has(`${name} ${channel}`))
    })
    return { ...reference, messages }
  }

  private async view(node: SimNode, space: SpaceId): Promise<View | undefined> {
    const members = (await this.ask(node, { type: 'list-members', space }))?.members
    const channels = (await this.ask(node, { type: 'list-channels', space }))?.channels
    if (members === undefined || channels === undefined) return undefined
    const messages: MessageInfo[] = []
    for (const { channel } of channels) {
      const page: MessageInfo[] = []
      for (let more = true; more;) {
        const before: OpId | undefined = page[0]?.id
        const got = await this.ask(node, { type: 'get-messages', space, channel, limit: 100, ...(before === undefined ? {} : { before }) })
        if (got === undefined) return undefined
        page.unshift(...got.messages)
        more = got.more && got.messages.length > 0
      }
      messages.push(...page.filter(({ state }) => state.type !== 'void'))
    }
    for (const message of messages) this.checks.same(node.name, message)
    return {
      names: members.map((member) => member.name),
      members: members.map(({ member, name, role, power, roles, timedOutUntil, about, colour }) => `${member.slice(0, 8)} ${name} ${role} ${power} ${roles.join()} ${timedOutUntil} ${about} ${colour}`).sort(),
      channels: new Map(channels.map(({ channel, name, topic }) => [channel, `${channel.slice(0, 8)} ${name} ${topic}`])),
      messages,
    }
  }

  /** The answer to a question that is answered at once; undefined for a refusal. */
  private async ask<T extends CommandType>(node: SimNode, command: Command & { readonly type: T }): Promise<Results[T] | undefined> {
    const replies: Reply[] = []
    node.ask(command, (given) => { replies.push(given) })
    await this.world.settle()
    const [reply] = replies
    // The reply has the result of the command it answers: that is the API's promise.
    return reply?.ok === true ? (reply.result as Results[T]) : undefined
  }
}

interface View { readonly names: readonly string[]; readonly members: readonly string[]; readonly channels: ReadonlyMap<ChannelId, string>; readonly messages: readonly MessageInfo[] }

/** And always was: what was said, made or shown by a wrong clock stays as it is when that is set right. */
const isNearlyRight = ({ worstSkewMs }: SimNode): boolean => worstSkewMs <= SMALL_SKEW_MS

const within = (view: View, channels: ReadonlySet<ChannelId>): View =>
  ({ ...view, channels: new Map([...view.channels].filter(([channel]) => channels.has(channel))), messages: view.messages.filter(({ channel }) => channels.has(channel)) })

type Which = (message: MessageInfo) => boolean

/** `withNotes`: who came late may lack reactions and pins as it may lack messages. */
function differ(a: View, b: View, { withNotes, isOrdered, isKept }: { readonly withNotes: Which; readonly isOrdered: Which; readonly isKept: Which }): string | undefined {
  const lines = (list: readonly MessageInfo[]): string[] => list.filter(isKept).toSorted((one, other) => (one.id < other.id ? -1 : 1)).map((shown) => {
    const { id, channel, text, deleted, pinned, reactions } = shown
    const message = `${id.slice(0, 8)} in ${channel.slice(0, 8)}`
    if (!withNotes(shown)) return message
    const said = (reactions ?? []).map((one) => JSON.stringify({ ...one, mine: undefined }))
    return `${message} ${JSON.stringify(text)}${deleted === true ? ' deleted' : ''}${pinned === true ? ' pinned' : ''} ${said.join()}`
  })
  const order = (list: readonly MessageInfo[]): string[] => list.filter((shown) => isKept(shown) && isOrdered(shown)).map(({ id }) => id.slice(0, 8))
  for (const [what, left, right] of [['members', a.members, b.members], ['channels', [...a.channels.values()], [...b.channels.values()]], ['messages', lines(a.messages), lines(b.messages)], ['the order of messages', order(a.messages), order(b.messages)]] as const) {
    for (let i = 0; i < Math.max(left.length, right.length); i++) if (left[i] !== right[i]) return `${what}: ${left[i] ?? 'nothing'} against ${right[i] ?? 'nothing'}`
  }
  return undefined
}
