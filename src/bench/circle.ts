/**
 * People of one space for benchmarks of the log: real engines with the real ciphersuite, whose ops reach each other only when they are given. The
 * workload is the usual one: messages of 124 bytes by twenty authors.
 */
import type { Person } from '../engine/engines.test-support.ts'
import { Room } from '../engine/engines.test-support.ts'
import { Out } from '../engine/out.ts'
import type { Replica } from '../engine/replica.ts'
import { concat, toHex, u64 } from '../wire/bytes.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'

export const TEXT = 'The slugs have eaten all of the salad again, and the neighbours say that it is our own fault: we leave the gate open overnight.'.slice(0, 124)
export const AUTHORS = 20

export class Circle {
  readonly room: Room
  readonly people: readonly Person[]
  readonly space: SpaceId
  readonly channel: ChannelId

  private constructor(room: Room, people: readonly Person[], space: SpaceId, channel: ChannelId) {
    this.room = room
    this.people = people
    this.space = space
    this.channel = channel
  }

  /** A space that everyone has joined and knows of. */
  static async gather(count: number, room = new Room()): Promise<Circle> {
    const alice = await room.person('Alice')
    const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: ['http://relay.test'] })
    const { link } = await room.ask(alice, { type: 'create-invite', space, uses: count })
    const people = [alice]
    while (people.length < count) {
      const person = await room.person(`Person ${people.length}`)
      await room.ask(person, { type: 'join', link })
      people.push(person)
    }
    // Everyone renews the keys they were added by, each in their turn.
    await room.pass(60_000)
    const circle = new Circle(room, people, space, channel)
    const tips = new Set(people.map((person) => circle.replica(person).groups.tip()))
    if (tips.size !== 1) throw new Error('the group has not settled')
    return circle
  }

  replica(person: Person): Replica { return person.space(this.space) }

  /**
   * A past that all of them have: so many messages by each. An engine keeps of a channel's past only where each chain ends, so nothing else is made; rows
   * that old are on disk, and comparing with somebody who has them too reads none of them.
   */
  lived(messagesEach: number): void {
    for (const author of this.people) {
      const { device } = this.replica(author).me
      const before = this.replica(author).log.deviceHeads.get(device)?.seq ?? 0
      const id = toHex(this.replica(author).world.suite.sha256(concat(u64(messagesEach), new TextEncoder().encode(device)))) as OpId
      for (const reader of this.people) this.replica(reader).log.restoreTip(this.channel, device, { chanSeq: messagesEach, seq: before + messagesEach, id, hlc: 0, branch: undefined })
    }
  }

  /** Messages by each in turn, on their own disks only. `keepers`: those who will be asked for them; the others need not keep any. */
  async say(count: number, text = (): string => TEXT, authors = this.people, keepers = authors): Promise<Op[]> {
    const ops: Op[] = [], outs = authors.map(() => new Out())
    for (let n = 0; n < count; n++) {
      const replica = this.replica(authors[n % authors.length] as Person), out = outs[n % outs.length] as Out, tip = replica.groups.tip()
      if (tip === undefined) throw new Error('no group to write in')
      ops.push(await replica.appendContent({ now: this.room.now, out }, this.channel, tip, { type: 'message', text: text() }))
    }
    for (const author of authors) this.replica(author).takeFresh()
    for (const [n, out] of outs.entries()) if (keepers.includes(authors[n] as Person)) await authors[n]?.disk.save(out.saves)
    return ops
  }

  /** Hands somebody ops, as mail would. */
  async give(to: Person, ops: readonly Op[]): Promise<void> {
    const out = new Out()
    await this.replica(to).receive({ now: this.room.now, out }, ops.map((op) => op.bytes))
    await to.disk.save(out.saves)
  }
}
