/**
 * Authority by size: resolving a space's history from scratch, and one more op. Signatures are toys here (history comes from the tests' village), so
 * the figures are of deciding who may do what, and nothing else.
 */
import { seededRandom } from '../adapters/random.ts'
import { Authority } from '../engine/space/authority.ts'
import { channelNamed, type Device, roleNamed, toySuite, Village } from '../engine/space/village.test-support.ts'
import type { AuthorityBody } from '../wire/authority.ts'
import type { OpId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { type Figure, median, worked } from './table.ts'

/** One more op of each kind, so many times. */
const MORE = 9

export async function benchAuthority(sizes: readonly number[]): Promise<Figure[]> {
  const out: Figure[] = []
  for (const size of sizes) out.push(...await benchSize(size))
  return out
}

async function benchSize(size: number): Promise<Figure[]> {
  const town = new Town(size)
  await town.live()
  const authority = new Authority(toySuite)
  const adding = await worked(async () => { for (const op of town.ops) await authority.add(op) })
  const resolving = await worked(() => authority.state)
  if (authority.stateHash() !== town.all.stateHash()) throw new Error('resolving from scratch and one by one do not agree')
  const last = `${authority.state.members.size} members, ${town.ops.filter((op) => authority.verdict(op.id).type === 'void').length} ops void`
  const figures: Figure[] = [
    { what: 'from scratch: take in', value: adding, unit: 'ms', at: size },
    { what: 'from scratch: resolve', value: resolving, unit: 'ms', at: size, beside: last },
  ]
  for (const kind of ['profile', 'join', 'kick'] as const) {
    const times: number[] = []
    for (let n = 0; n < MORE; n++) {
      const op = town.next(kind)
      times.push(await worked(async () => { await authority.add(op); return authority.state }))
      await town.take(op)
    }
    figures.push({ what: `one more: ${kind}`, value: median(times), unit: 'ms', at: size, beside: `median of ${MORE}` })
  }
  return figures
}

/** A space as it grows: people come, renew key packages, rename themselves and channels, get roles, are kicked; now and then half of them are offline from the other half. */
class Town {
  readonly village = new Village()
  readonly all = new Authority(toySuite)
  readonly ops: Op[] = []
  private readonly size: number
  private readonly random: () => number
  private readonly people: Device[] = []
  private readonly gone = new Set<Device>()
  /** What nobody has followed, as each half of the people sees it; one list while all are together. */
  private halves: Set<OpId>[] = [new Set()]

  constructor(size: number) {
    this.size = size
    const source = seededRandom(size)
    this.random = () => new DataView(source.bytes(4).buffer).getUint32(0) / 2 ** 32
  }

  async live(): Promise<void> {
    const alice = this.village.device('alice')
    this.people.push(alice)
    const genesis = this.village.make(alice, this.village.genesis(alice), { deps: [] })
    this.village.space = genesis.id as never
    await this.take(genesis)
    await this.say(alice, { type: 'roleCreate', role: roleNamed('mod'), name: 'mod', power: 50, permissions: 0xff })
    await this.say(alice, { type: 'channelCreate', channel: channelNamed('garden'), name: 'garden', kind: 'text', audience: 0 })
    await this.say(alice, this.village.invite('door', { uses: 100_000 }))
    while (this.ops.length < this.size) await this.day()
    this.meet()
  }

  private pick<T>(from: readonly T[]): T { return from[Math.floor(this.random() * from.length)] as T }
  private members(): Device[] { return this.people.filter((person) => !this.gone.has(person)) }
  /** Which half somebody is in while there are two. */
  private half(person: Device): Set<OpId> { return this.halves[this.people.indexOf(person) % this.halves.length] as Set<OpId> }
  private meet(): void { this.halves = [new Set(this.halves.flatMap((half) => [...half]))] }

  private async day(): Promise<void> {
    const dice = this.random()
    if (this.halves.length > 1 ? dice < 0.02 : dice < 0.004) {
      if (this.halves.length > 1) this.meet(); else this.halves = [new Set(this.halves[0]), new Set(this.halves[0])]
    }
    const about = this.random()
    const someone = this.pick(this.members())
    const alice = this.people[0] as Device
    if (about < 0.12) return this.take(this.next('join'))
    if (about < 0.62) return this.say(someone, { type: 'commit', bytes: new Uint8Array(8) })
    if (about < 0.8) return this.say(someone, { type: 'keyPackage', bytes: new Uint8Array(8), lastResort: false })
    if (about < 0.9) return this.take(this.next('profile'))
    if (about < 0.94) return this.say(alice, { type: 'channelRename', channel: channelNamed('garden'), name: `garden ${this.ops.length}` })
    if (about < 0.97) return this.say(alice, { type: 'roleAssign', role: roleNamed('mod'), identity: someone.identity })
    if (about < 0.985 && this.halves.length === 1 && this.members().length > 4) return this.take(this.next('kick'))
    return this.say(alice, { type: 'timeout', identity: someone.identity, until: 1000 })
  }

  /** The next op of a kind, as an honest app would make it. */
  next(kind: 'profile' | 'join' | 'kick'): Op {
    const alice = this.people[0] as Device
    if (kind === 'profile') return this.make(this.pick(this.members()), { type: 'profile', name: `I am ${this.ops.length}` })
    if (kind === 'join') {
      const comer = this.village.device(`person ${this.people.length}`)
      this.people.push(comer)
      return this.make(comer, this.village.join(comer, 'door'))
    }
    const target = this.pick(this.members().slice(1))
    this.gone.add(target)
    return this.make(alice, { type: 'kick', identity: target.identity, cuts: this.all.cutsFor(target.identity, new Map([[target.device, { seq: target.seq, id: target.last as OpId }]])) })
  }

  private make(by: Device, body: AuthorityBody | { readonly type: string; readonly bytes?: Uint8Array }): Op { return this.village.make(by, body, { deps: [...this.half(by)] }) }
  private async say(by: Device, body: AuthorityBody | { readonly type: string; readonly bytes?: Uint8Array }): Promise<void> { await this.take(this.make(by, body)) }

  async take(op: Op): Promise<void> {
    const by = this.people.find((person) => person.device === op.header.device) as Device
    by.seq = op.header.seq
    by.last = op.id
    const half = this.half(by)
    for (const id of op.header.deps) half.delete(id)
    half.add(op.id)
    this.ops.push(op)
    await this.all.add(op)
  }
}
