/**
 * A space all of whose members are here at once, up to a thousand of them: whole hosts and engines with real MLS in the simulator's virtual time, one relay, fair weather.
 *
 * Everybody who is there processes everybody's joining, so a thousand who come one after the other cost a thousand times a thousand commits. Here they follow the founder's link in the
 * same instant, while she is away, and close the app: each with a profile, keys and a disk of their own. When she comes back she finds them all, and adds them to the group as she adds everybody
 * who lost a race to come in: as many at a time as a commit takes. Only then they come again, all of them, and each opens the welcome that is for them and processes the commits behind it.
 *
 * Two things are not as they would be. Nobody of them commits when they follow the link: a thousand branches of the group, of which one wins, would be another measurement. And the log
 * that they all would read at the relay when they come again lies on their disks already, as it lies on hers.
 */
import { openMemoryDisk } from '../adapters/disk-memory.ts'
import type { Engine } from '../engine/engine.ts'
import type { Replica } from '../engine/replica.ts'
import type { Op } from '../wire/op.ts'
import { BEGINNING } from '../sim/world.ts'
import type { SimNode, Tampering } from '../sim/node.ts'
import { DEFAULT_LIMITS } from '../../relay/mailbox.ts'
import type { Relay } from '../sim/mailbox.ts'
import type { Reply } from '../api.ts'
import type { EpochId, IdentityId, SpaceId } from '../wire/ids.ts'
import { benchTogether, Crowd, noted, type Tell } from './crowd.ts'
import { type Figure, worked } from './table.ts'

/** What each has of their own of a space, and what everybody's disk holds alike. */
const OWN = /^(me|spaces|packages\/)/
const COMMON = /^(ops|heads|votes|trees|cursors|had|proofs)\//
const LOOK_EVERY_MS = 10
const LATENCY_MS = 50
/** By then everybody has found the relay and said where they are. */
const ARRIVAL_MS = 3000
const FOUNDER = 'member-0'
const SPEAKERS = 20
const WORDS = 100

/** Joins are signed, and no commit beside them. */
const joinsOnly = (): Tampering => {
  const done = new Set<Replica>()
  const patch = (replica: Replica): void => {
    const append = replica.append.bind(replica)
    let last: Op | undefined
    replica.append = async (turn, type, ...rest) => (last = type === 'commit' && replica.record.state === 'joining' && last !== undefined ? last : await append(turn, type, ...rest))
    // Whoever was added by somebody else would renew their keys as soon as they come: a thousand commits more, which everybody processes.
    Object.defineProperty(replica.everyone, 'renewed', { get: () => ({ tip: replica.groups.tip(), at: BEGINNING }), set: () => {} })
    done.add(replica)
  }
  return { before: (input, engine: Engine) => {
    for (const replica of engine.replicas.values()) {
      if (!done.has(replica)) patch(replica)
      // And so would who was added lay out a fresh package. The welcome is opened in the step that makes the replica, so what it leaves is cleared, not kept out.
      replica.groups.usedPackages.clear()
    }
    return input
  } }
}

export async function benchAssembly(size: number, tell?: Tell): Promise<Figure[]> {
  const all = new Assembly(size), { figures, note } = noted(size, tell)
  await all.assemble()
  all.takeHeard()
  const coming = await worked(() => all.come())
  note('everyone comes at once: CPU of a member', coming / size, 'ms', 'welcome, commits behind it, and who is here')
  note('everyone comes at once: heard by a member', all.takeHeard() / size / 1000, 'KB')
  figures.push(...await benchTogether(all, size, tell))
  const { user, system } = process.cpuUsage()
  note('all of it: CPU', (user + system) / 1e6, 's')
  note('all of it: most memory', process.resourceUsage().maxRSS / 1024, 'MB', 'what was thrown away and not yet given back is in it')
  return figures
}

class Assembly extends Crowd {
  override readonly words = `${WORDS} words by ${SPEAKERS}`
  override readonly changes = `${WORDS} words, one put out, and one who came`
  protected override readonly relaySide = 1
  private gone: SimNode | undefined

  constructor(size: number) { super(size, (device) => (device === FOUNDER ? undefined : joinsOnly())) }

  override get speakers(): readonly SimNode[] {
    const here = this.listeners, some = Array.from({ length: Math.min(SPEAKERS, here.length) }, (_, n) => here[Math.floor((n * here.length) / SPEAKERS)] as SimNode)
    return Array.from({ length: WORDS }, (_, n) => some[n % some.length] as SimNode)
  }
  protected override get listeners(): readonly SimNode[] { return this.nodes.filter((node) => node !== this.gone) }

  async assemble(): Promise<void> {
    const [founder, ...others] = this.nodes as [SimNode, ...SimNode[]]
    await this.found()
    await this.world.runFor(1000)
    founder.kill()
    this.office.latency = { from: LATENCY_MS, to: LATENCY_MS }
    const relay = [...this.office.relays.values()][0] as Relay
    relay.allow({ ...DEFAULT_LIMITS, rate: 1e6, burst: 1e6 })
    for (const node of others) await node.start()
    await this.all(others, (node, done) => node.ask({ type: 'set-up', name: node.name }, done))
    await this.all(others, (node, done) => node.ask({ type: 'join', link: this.link }, done))
    // What they post is at the relay then, and what others posted not yet with them.
    await this.world.runFor(LATENCY_MS)
    for (const node of others) node.kill()
    this.office.latency = { from: 10, to: 150 }
    relay.allow(DEFAULT_LIMITS)
    await founder.start()
    const space = this.space?.id as SpaceId
    const isIn = (): boolean => { const groups = founder.engine?.replicas.get(space)?.groups; return groups?.tree.nodes.get(groups.tip() as EpochId)?.leaves.length === this.nodes.length }
    for (let waited = 0; !isIn(); waited += 1000) {
      if (waited > 600_000) throw new Error(`the founder did not let everybody in; ${this.lastFailure ?? 'nothing failed'}`)
      await this.world.runFor(1000)
    }
    await this.world.runFor(60_000)
    const common = [...founder.left.partitions].filter(([name]) => COMMON.test(name))
    for (const node of others) {
      const own = [...node.left.partitions].filter(([name]) => OWN.test(name))
      node.putBack({ at: this.world.now, disk: openMemoryDisk({ partitions: new Map([...own, ...common]) }).snapshot() })
    }
  }

  /** Everybody opens the app. */
  async come(): Promise<void> {
    for (const node of this.nodes) await node.start()
    await this.world.runFor(ARRIVAL_MS)
    await this.untilOne()
  }

  /** The owner puts somebody out; on the other side, where the relay is, somebody new comes by the link. Both are commits on the same epoch. */
  protected override async change(space: SpaceId): Promise<void> {
    const [owner, out] = this.nodes as [SimNode, SimNode]
    this.gone = out
    await this.ask(owner, { type: 'remove-member', space, member: out.engine?.me?.identity as IdentityId })
    const guest = this.person(this.nodes.length)
    await this.join(guest)
  }

  private async all(nodes: readonly SimNode[], ask: (node: SimNode, done: (reply: Reply) => void) => void): Promise<void> {
    let left = nodes.length
    for (const node of nodes) ask(node, (reply) => { left--; if (!reply.ok) throw new Error(reply.error.code) })
    for (let waited = 0; left > 0; waited += LOOK_EVERY_MS) {
      if (waited > 60_000) throw new Error(`${left} got no answer; ${this.lastFailure}`)
      await this.world.runFor(LOOK_EVERY_MS)
    }
  }
}
