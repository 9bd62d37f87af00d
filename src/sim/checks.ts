/**
 * What must hold. Some of it is looked at as it happens, the rest after the world is healed.
 *
 * As it happens:
 *   S1  a device never signs two ops with one number of its chain
 *   S2  no own op is in a frame before it is on the disk
 *   S3  a message says what its author said, and is by its author
 *   S4  the engine never throws but where the disk was told to fail
 *   S5  every op that a device keeps carries its author's signature
 *   S6  nobody mutes an honest peer
 * After the healing, within a bound:
 *   L1  every member sees the same members, channels and messages, in the same order, each message once; only who came by a link after somebody
 *       was removed may lack what was said before, or by people who didn't know of them yet: links give no keys of times before a removal
 *   L2  every message said by someone who is still a member is there
 *   L3  its author knows it is delivered to all others
 *   L4  nobody is still joining
 *   L5  who is invited now gets in, and all of the above holds with them
 */
import { createPublicKey, verify } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import type { SaveFault } from '../adapters/disk-memory.ts'
import type { Command, CommandType, MessageInfo, Reply, Results, Update } from '../api.ts'
import type { Input, Step } from '../engine/input.ts'
import type { Save } from '../ports.ts'
import { decodeFrame } from '../wire/frame.ts'
import { type ChannelId, NO_SPACE, type OpId, type SpaceId } from '../wire/ids.ts'
import { decodeOp, type Op, opSignedBytes } from '../wire/op.ts'
import type { SimNode, Witness } from './node.ts'
import type { World } from './world.ts'

export class Violation extends Error {
  constructor(rule: string, what: string) { super(`${rule}: ${what}`); this.name = 'Violation' }
}

/** Every text is said once in a simulation, so it names the message: an id may change while the message waits to be secured. */
export interface Said {
  readonly space: SpaceId; readonly channel: ChannelId; readonly author: string; readonly text: string; readonly at: number
  /** Who was a member, as the author knew. */
  readonly to: ReadonlySet<string>
}

/** What the people know of a space that its members' devices may not. */
export interface Peopled {
  readonly id: SpaceId
  readonly creator: SimNode
  /** When each last came in by a link. */
  readonly joinedAt: Map<string, number>
  hadRemovals: boolean
}

export class Checks implements Witness {
  violation: Violation | undefined
  /** By text. */
  readonly said = new Map<string, Said>()
  /** Those whose author was told that they are kept. */
  readonly accepted = new Set<Said>()
  private readonly world: World
  /** By device, space and number: the op. */
  private readonly signed = new Map<string, string>()
  /** Own ops on each device's disk. */
  private readonly saved = new Map<string, Set<string>>()
  private readonly deviceOf = new Map<string, string>()
  private readonly excused = new Set<string>()

  constructor(world: World) { this.world = world }

  private fail(rule: string, what: string): void { this.violation ??= new Violation(rule, what) }

  saving(name: string, saves: readonly Save[], fault: SaveFault): void {
    const isKept = fault === 'none' || fault === 'die-after'
    if (!isKept) this.excused.add(name)
    for (const save of saves) {
      if (save.type !== 'put' || !save.partition.startsWith('ops/')) continue
      const op = decodeOp(save.value, sha256)
      if (op === undefined) { this.fail('S1', `${name} saves an op that can't be read`); continue }
      this.once(name, op)
      if (!isSigned(op)) this.fail('S5', `${name} keeps ${op.header.type} ${op.id.slice(0, 8)}, which its author didn't sign`)
      if (isKept) this.savedBy(name).add(op.id)
    }
  }

  private once(name: string, op: Op): void {
    const { device, seq, space } = op.header
    // A save that failed was never sent: its number is free again. S2 keeps it from being sent.
    const place = `${device} ${space === NO_SPACE ? op.id : space} ${seq}`
    const known = this.signed.get(place)
    if (known !== undefined && known !== op.id && this.isSaved(known)) this.fail('S1', `${name} has a second op with number ${seq} of ${device.slice(0, 8)} in ${space.slice(0, 8)}`)
    this.signed.set(place, op.id)
  }

  private isSaved(id: string): boolean { return [...this.saved.values()].some((ids) => ids.has(id)) }
  private savedBy(name: string): Set<string> {
    const known = this.saved.get(name)
    if (known !== undefined) return known
    const made = new Set<string>()
    this.saved.set(name, made)
    return made
  }

  stepped(name: string, _input: Input, step: Step): void {
    const inThisStep = new Set<string>()
    for (const save of step.saves) {
      if (save.type !== 'put' || !save.partition.startsWith('ops/')) continue
      const op = decodeOp(save.value, sha256)
      if (op !== undefined) inThisStep.add(op.id)
    }
    for (const send of step.sends) {
      if (send.type !== 'frame') continue
      const frame = decodeFrame(send.bytes)
      if (frame?.type !== 'ops') continue
      for (const bytes of frame.ops) {
        const op = decodeOp(bytes, sha256)
        if (op === undefined) this.fail('S2', `${name} sends an op that can't be read`)
        else if (!inThisStep.has(op.id) && !this.savedBy(name).has(op.id)) this.fail('S2', `${name} sends ${op.header.type} ${op.id.slice(0, 8)}, which its disk doesn't hold`)
      }
    }
  }

  updated(name: string, update: Update): void {
    if (update.type === 'me' && update.me !== undefined) this.deviceOf.set(update.me.identity, name)
    if (update.type === 'status') for (const mute of update.status.muted) this.fail('S6', `${name} mutes an honest peer as ${mute.fault}`)
    if (update.type !== 'messages') return
    for (const message of update.messages) this.same(name, message)
  }

  private same(name: string, message: MessageInfo): void {
    const said = this.said.get(message.text)
    const author = this.deviceOf.get(message.author)
    if (said === undefined) this.fail('S3', `${name} reads ${JSON.stringify(message.text)}, which nobody said`)
    else if (said.author !== author || said.channel !== message.channel) this.fail('S3', `${name} reads ${JSON.stringify(message.text)} by ${author}, but ${said.author} said it, or elsewhere`)
  }

  failed(name: string, line: string): void {
    this.world.note(`${name} ${line}`)
    if (!this.excused.delete(name)) this.fail('S4', `${name}: ${line}`)
  }

  /** What is not yet as it must be after the healing; undefined when all is well. */
  async unsettled(nodes: readonly SimNode[], spaces: readonly Peopled[]): Promise<string | undefined> {
    for (const space of spaces) {
      const problem = await this.unsettledSpace(nodes, space)
      if (problem !== undefined) return problem
    }
    for (const node of nodes) {
      const { spaces: list } = await this.ask(node, { type: 'list-spaces' }) ?? { spaces: [] }
      const waiting = list.find((space) => space.state === 'joining')
      if (waiting !== undefined) return `L4: ${node.name} is still joining ${waiting.name}`
    }
    return undefined
  }

  private async unsettledSpace(nodes: readonly SimNode[], peopled: Peopled): Promise<string | undefined> {
    const { id: space, creator } = peopled
    const reference = await this.view(creator, space)
    if (reference === undefined) return `L1: ${creator.name} doesn't see the space it made`
    const members = nodes.filter((node) => reference.names.includes(node.name))
    const views = new Map<SimNode, View>()
    for (const node of members) {
      const view = await this.view(node, space)
      if (view === undefined) return `L1: ${node.name} is a member, but doesn't see the space`
      const difference = differ(this.asSeenBy(node.name, reference, view, peopled), view)
      if (difference !== undefined) return `L1: ${creator.name} and ${node.name} differ in ${difference}`
      views.set(node, view)
    }
    const seen = new Map<string, number>()
    for (const { text } of reference.messages) seen.set(text, (seen.get(text) ?? 0) + 1)
    const twice = [...seen].find(([, times]) => times > 1)
    if (twice !== undefined) return `L1: ${JSON.stringify(twice[0])} is there ${twice[1]} times`
    for (const said of this.accepted) {
      if (said.space === space && reference.names.includes(said.author) && seen.get(said.text) !== 1) return `L2: ${JSON.stringify(said.text)} is missing`
    }
    for (const [node, { messages }] of views) {
      const undelivered = members.length < 2 ? undefined : messages.find(({ state }) => state.type !== 'received' && (state.type !== 'delivered' || state.to !== state.of || state.of !== members.length - 1))
      if (undelivered !== undefined) return `L3: ${node.name} has ${JSON.stringify(undelivered.text)} as ${JSON.stringify(undelivered.state)}, with ${members.map((member) => member.name).join(', ')} as members`
    }
    return undefined
  }

  /** The reference without what this member lacks and need not have. */
  private asSeenBy(name: string, reference: View, view: View, { hadRemovals, joinedAt }: Peopled): View {
    const seen = new Set(view.messages.map(({ text }) => text))
    const messages = reference.messages.filter(({ text }) => {
      const said = this.said.get(text)
      return !hadRemovals || said === undefined || seen.has(text) || (said.to.has(name) && said.at >= (joinedAt.get(name) ?? 0))
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
      messages.push(...page)
    }
    for (const message of messages) this.same(node.name, message)
    return {
      names: members.map((member) => member.name),
      members: members.map(({ member, name, role, power }) => `${member.slice(0, 8)} ${name} ${role} ${power}`).sort(),
      channels: channels.map(({ channel, name }) => `${channel.slice(0, 8)} ${name}`),
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

/** By another implementation of Ed25519 than the engine's. */
function isSigned(op: Op): boolean {
  const x = Buffer.from(op.header.device, 'hex').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, opSignedBytes(Buffer.from(op.id, 'hex')), key, op.sig)
}

interface View { readonly names: readonly string[]; readonly members: readonly string[]; readonly channels: readonly string[]; readonly messages: readonly MessageInfo[] }

function differ(a: View, b: View): string | undefined {
  const lines = (list: readonly MessageInfo[]): string[] => list.map(({ id, channel, text }) => `${id.slice(0, 8)} in ${channel.slice(0, 8)} ${JSON.stringify(text)}`)
  for (const [what, left, right] of [['members', a.members, b.members], ['channels', a.channels, b.channels], ['messages', lines(a.messages), lines(b.messages)]] as const) {
    for (let i = 0; i < Math.max(left.length, right.length); i++) if (left[i] !== right[i]) return `${what}: ${left[i] ?? 'nothing'} against ${right[i] ?? 'nothing'}`
  }
  return undefined
}
