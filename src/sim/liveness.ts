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
  /** Removed, timed out, gone: what they say may not count. */
  readonly restricted: Set<string>
  /** Who followed a link that a liar made. */
  readonly misled: Set<string>
  /** Whoever joins may lack what was said before: somebody was removed, or the space doesn't show it. */
  lackPast: boolean
}

/** Whoever goes from a space while removed from it says so to nobody, and stays away should the removal turn out void. */
function hasTurnedAway({ engine }: SimNode, space: SpaceId): boolean {
  const replica = engine?.replicas.get(space)
  return replica?.record.state === 'left' && replica.state() === 'removed'
}

export class Liveness {
  private readonly world: World
  private readonly checks: Checks
  private readonly ownerOf: (space: Peopled) => SimNode

  constructor(world: World, checks: Checks, ownerOf: (space: Peopled) => SimNode) {
    this.world = world
    this.checks = checks
    this.ownerOf = ownerOf
  }

  private rightClocks: ReadonlySet<string> = new Set()

  /** What is not yet as it must be after the healing; undefined when all is well. */
  async unsettled(everyone: readonly SimNode[], spaces: readonly Peopled[]): Promise<string | undefined> {
    const nodes = everyone.filter(({ name }) => this.checks.isHonest(name))
    this.rightClocks = new Set(nodes.filter(isNearlyRight).map(({ name }) => name))
    for (const space of spaces) {
      const problem = await this.unsettledSpace(nodes, space)
      if (problem !== undefined) return problem
    }
    for (const node of nodes) {
      const { spaces: list } = await this.ask(node, { type: 'list-spaces' }) ?? { spaces: [] }
      const waiting = list.find(({ state, space }) => state === 'joining' && spaces.find(({ id }) => id === space)?.misled.has(node.name) !== true)
      if (waiting !== undefined) return `L4: ${node.name} is still joining ${waiting.name}`
    }
    return undefined
  }

  private async unsettledSpace(nodes: readonly SimNode[], peopled: Peopled): Promise<string | undefined> {
    const { id: space } = peopled
    const creator = this.ownerOf(peopled)
    const reference = await this.view(creator, space)
    if (reference === undefined) return `L1: ${creator.name} doesn't see the space it made`
    const members = nodes.filter((node) => reference.names.includes(node.name) && !hasTurnedAway(node, space))
    const astray = nodes.find(({ name, engine }) => !reference.names.includes(name) && engine?.replicas.get(space)?.state() === 'member')
    if (astray !== undefined) return `L6: ${astray.name} believes to be a member of ${space.slice(0, 8)}, where ${creator.name} knows only ${reference.names.join(', ')}`
    const problem = await this.groups(members, space)
    if (problem !== undefined) return problem
    const views = new Map<SimNode, View>()
    for (const node of members) {
      const view = await this.view(node, space)
      if (view === undefined) return `L1: ${node.name} is a member, but doesn't see the space`
      const difference = differ(this.asSeenBy(node.name, reference, view, peopled), this.asSeenBy(creator.name, view, reference, peopled), { withNotes: !peopled.lackPast, isOrdered: this.areOrdered(creator, node) })
      if (difference !== undefined) return `L1: ${creator.name} and ${node.name} differ in ${difference}`
      views.set(node, view)
    }
    // Whoever is the owner now may have come late: what anybody has is there.
    const missing = this.missing(reference, [...views.values()], peopled)
    if (missing !== undefined) return missing
    for (const [node, { messages }] of views) {
      const undelivered = members.length < 2 ? undefined : messages.find(({ state }) => state.type !== 'received' && (state.type !== 'delivered' || state.to < members.length - 1))
      if (undelivered !== undefined) return `L3: ${node.name} has ${JSON.stringify(undelivered.text)} as ${JSON.stringify(undelivered.state)}, with ${members.map((member) => member.name).join(', ')} as members`
    }
    return undefined
  }

  /** What is from further ahead than a clock believes stands where that allows. What honest people said by clocks that are nearly right stands alike for all who have such a clock. */
  private areOrdered(...readers: readonly SimNode[]): (message: MessageInfo) => boolean {
    if (readers.some((reader) => !isNearlyRight(reader))) return () => false
    return ({ text }) => this.rightClocks.has(this.checks.said.get(text)?.author ?? '')
  }

  private missing({ messages, names, channels }: View, views: readonly View[], { id, restricted }: Peopled): Problem {
    const seen = new Map<Said, number>()
    for (const { text } of messages) {
      const said = this.checks.said.get(text)
      if (said !== undefined) seen.set(said, (seen.get(said) ?? 0) + 1)
    }
    const twice = [...seen].find(([, times]) => times > 1)
    if (twice !== undefined) return `L1: ${JSON.stringify(twice[0].text)} is there ${twice[1]} times`
    const known = new Set(views.flatMap((view) => view.messages.map(({ text }) => this.checks.said.get(text))))
    for (const said of this.checks.accepted) {
      const isOwed = said.space === id && !said.isTakenBack && this.checks.isHonest(said.author) && names.includes(said.author) && !restricted.has(said.author)
      if (isOwed && channels.some((line) => line.startsWith(said.channel.slice(0, 8))) && !known.has(said)) return `L2: ${JSON.stringify(said.text)} is missing`
    }
    return undefined
  }

  private async groups(members: readonly SimNode[], space: SpaceId): Promise<Problem> {
    const byAudience = new Map<number, Held[]>()
    for (const { name, engine } of members) {
      for (const audience of engine?.replicas.get(space)?.audiences.values() ?? []) byAudience.set(audience.number, [...byAudience.get(audience.number) ?? [], { name, audience }])
    }
    for (const held of byAudience.values()) {
      // Who doesn't read an audience has only what is public of it.
      const readers = held.filter(({ audience }) => audience.devices.has(audience.replica.me.device))
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
    return i3EntitledHaveKeys(replica, rows, (channel, key) => ops.get(channel + toHex(key)), {
      isHonest: (device) => this.checks.isHonestDevice(device),
      couldAdd: (device) => [node.name, this.checks.speakerOf(device)].every((name) => this.rightClocks.has(name)),
    })
  }

  /** The reference without what this member lacks and need not have. */
  private asSeenBy(name: string, reference: View, view: View, { lackPast, joinedAt }: Peopled): View {
    const seen = new Set(view.messages.map(({ id: own }) => own))
    const messages = reference.messages.filter(({ id, text }) => {
      const said = this.checks.said.get(text)
      // By a clock that is wrong by a year nobody can be added, nor add: what is said then, where the past isn't shown, waits for nobody (H1).
      const wasAddable = said !== undefined && this.rightClocks.has(name) && this.rightClocks.has(said.author)
      return !lackPast || seen.has(id) || (wasAddable && said.to.has(name) && said.at >= (joinedAt.get(name) ?? 0))
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
      members: members.map(({ member, name, role, power, roles, timedOutUntil }) => `${member.slice(0, 8)} ${name} ${role} ${power} ${roles.join()} ${timedOutUntil}`).sort(),
      channels: channels.map(({ channel, name, topic }) => `${channel.slice(0, 8)} ${name} ${topic}`),
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

interface View { readonly names: readonly string[]; readonly members: readonly string[]; readonly channels: readonly string[]; readonly messages: readonly MessageInfo[] }

const isNearlyRight = ({ skewMs }: SimNode): boolean => Math.abs(skewMs) <= SMALL_SKEW_MS

/** `withNotes`: who came late may lack reactions and pins as it may lack messages. */
function differ(a: View, b: View, { withNotes, isOrdered }: { readonly withNotes: boolean; readonly isOrdered: (message: MessageInfo) => boolean }): string | undefined {
  const lines = (list: readonly MessageInfo[]): string[] => list.toSorted((one, other) => (one.id < other.id ? -1 : 1)).map(({ id, channel, text, deleted, pinned, reactions }) => {
    const message = `${id.slice(0, 8)} in ${channel.slice(0, 8)}`
    if (!withNotes) return message
    const said = (reactions ?? []).map((one) => JSON.stringify({ ...one, mine: undefined }))
    return `${message} ${JSON.stringify(text)}${deleted === true ? ' deleted' : ''}${pinned === true ? ' pinned' : ''} ${said.join()}`
  })
  // Of what only one of them knows to be deleted there is nothing to compare.
  const [inA, inB] = [a, b].map(({ messages }) => new Set(messages.filter((message) => isOrdered(message)).map(({ id }) => id))) as [Set<OpId>, Set<OpId>]
  const order = (list: readonly MessageInfo[]): string[] => list.filter(({ id }) => inA.has(id) && inB.has(id)).map(({ id }) => id.slice(0, 8))
  for (const [what, left, right] of [['members', a.members, b.members], ['channels', a.channels, b.channels], ['messages', lines(a.messages), lines(b.messages)], ['the order of messages', order(a.messages), order(b.messages)]] as const) {
    for (let i = 0; i < Math.max(left.length, right.length); i++) if (left[i] !== right[i]) return `${what}: ${left[i] ?? 'nothing'} against ${right[i] ?? 'nothing'}`
  }
  return undefined
}
