/** Alice's allotment, a space with a few people: where stories about who may do what begin. */
import type { DiskSnapshot } from '../adapters/disk-memory.ts'
import type { Command, ErrorCode, MemberInfo, Results } from '../api.ts'
import type { ReasonCode } from '../api/authority.ts'
import type { RoleId } from '../wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, SpaceId } from '../wire/ids.ts'
import type { Permission } from '../wire/permissions.ts'
import { type Person, RELAY, Room } from './engines.test-support.ts'

/** Bob in Alice's allotment, his device, and his disk as it was before he said more. */
export interface Between { readonly h: Allotment; readonly bob: Person; readonly before: DeviceId | undefined; readonly then: DiskSnapshot }

/** A command in the allotment: it needs no `space`. */
type Here<C> = C extends { readonly space: SpaceId } ? Omit<C, 'space'> : never
type InAllotment = Here<Command>

export class Allotment {
  readonly room: Room
  readonly alice: Person
  readonly space: SpaceId
  readonly channel: ChannelId
  readonly link: string

  private constructor(room: Room, alice: Person, space: SpaceId, channel: ChannelId, link: string) {
    this.room = room
    this.alice = alice
    this.space = space
    this.channel = channel
    this.link = link
  }

  static async begin(room = new Room()): Promise<Allotment> {
    const alice = await room.person('Alice')
    const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
    const { link } = await room.ask(alice, { type: 'create-invite', space })
    return new Allotment(room, alice, space, channel, link)
  }

  /** Bob says two things, and his disk is copied between them. */
  static async betweenTwo(first: string, second: string): Promise<Between> {
    const h = await Allotment.begin(), bob = await h.joins('Bob')
    await h.say(bob, first)
    await h.room.pass(5000)
    const then = bob.disk.snapshot(), before = bob.device
    await h.say(bob, second)
    await h.room.pass(5000)
    return { h, bob, before, then }
  }

  /** Devices of whose chains somebody knows a fork. */
  get forked(): string[] { return this.room.people.flatMap((person) => [...person.space(this.space).receiving.forks.keys()]) }

  async joins(name: string, link = this.link): Promise<Person> {
    const person = await this.room.person(name)
    await this.room.ask(person, { type: 'join', link })
    await this.room.pass(2000)
    return person
  }

  /** Makes a device one of this person's. */
  async links(from: Person, to: Person): Promise<Results['finish-link']> {
    const { request } = await this.room.ask(to, { type: 'ask-to-link' })
    const { answer } = await this.room.ask(from, { type: 'link-device', request: ` ${request}\n` })
    return this.room.ask(to, { type: 'finish-link', answer })
  }

  /** Does a command and throws when it is refused. */
  async does<C extends InAllotment>(person: Person, command: C): Promise<Results[C['type']]> {
    return this.room.ask(person, { ...command, space: this.space } as unknown as Command & { type: C['type'] }) as Promise<Results[C['type']]>
  }

  /** With which code and reason a command is refused; undefined when it is done. */
  async refusal(person: Person, command: InAllotment): Promise<{ readonly code: ErrorCode; readonly reason: ReasonCode | undefined; readonly message: string } | undefined> {
    const reply = await this.room.reply(person, { ...command, space: this.space } as unknown as Command)
    if (reply === undefined) throw new Error(`${person.name}'s ${command.type}: no answer`)
    return reply.ok ? undefined : { code: reply.error.code, reason: reply.error.reason?.code, message: reply.error.message }
  }

  /** Makes a role and gives it to these people. */
  async role(name: string, power: number, permissions: readonly Permission[], ...holders: readonly Person[]): Promise<RoleId> {
    const { role } = await this.does(this.alice, { type: 'create-role', name, power, permissions })
    for (const holder of holders) await this.does(this.alice, { type: 'give-role', member: this.id(holder), role })
    return role
  }

  id(person: Person): IdentityId { return person.space(this.space).me.identity }

  async members(person: Person): Promise<readonly MemberInfo[]> { return (await this.does(person, { type: 'list-members' })).members }
  async names(person: Person): Promise<string[]> { return (await this.members(person)).map((m) => m.name).sort() }
  async sees(person: Person, other: Person): Promise<MemberInfo | undefined> { return (await this.members(person)).find((m) => m.member === this.id(other)) }

  say(person: Person, text: string) { return this.does(person, { type: 'send-message', channel: this.channel, text }) }

  async texts(person: Person): Promise<string[]> {
    const { messages } = await this.does(person, { type: 'get-messages', channel: this.channel })
    return messages.map((m) => `${m.authorName}: ${m.text}`)
  }

  /** Ops come to somebody through the relay, from whoever knows the space. */
  async hand(person: Person, ops: readonly Uint8Array[]): Promise<void> {
    const { mail, groups, everyone } = person.space(this.space)
    const [relayKey] = everyone.relayKeysInUse(), tip = groups.tip()
    const bytes = tip === undefined ? undefined : mail.seal(tip, { type: 'ops', ops })
    if (relayKey === undefined || bytes === undefined) throw new Error(`${person.name} can't read the space`)
    person.queue.push({ type: 'announced', relay: RELAY, topic: (await mail.topicOf(relayKey)).topic, bytes })
    await this.room.pass(100)
  }

  /** Each of them acts without knowing of the others; then they meet again. */
  async apart(people: readonly Person[], acts: () => Promise<void>): Promise<void> {
    for (const person of people) this.room.goesOffline(person)
    await acts()
    for (const person of people) await this.room.comesOnline(person)
    await this.room.pass(60_000)
  }

  /** Names with a leaf in the group that this person sees at its tip. */
  async inGroup(person: Person): Promise<string[]> {
    const { groups, authority } = person.space(this.space)
    const tip = groups.tip()
    const leaves = tip === undefined ? [] : (groups.tree.nodes.get(tip)?.leaves ?? [])
    return leaves.flatMap((device) => (device === undefined ? [] : [authority.nameOf(authority.identityOf(device) as IdentityId)])).sort()
  }
}
