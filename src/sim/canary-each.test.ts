/**
 * For most invariants a bug that it, and no other before it, must find: engines that are wrong in what this one is about. canary.test.ts plants bugs as they happen to people who write
 * software, and is content with whatever finds them.
 */
import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../engine/engine.ts'
import type { Send } from '../engine/input.ts'
import type { MlsState } from '../engine/group/mls.ts'
import type { EpochNode } from '../engine/group/tree.ts'
import { due } from '../engine/reconcile.ts'
import type { Replica } from '../engine/replica.ts'
import { Authority } from '../engine/space/authority.ts'
import type { Reason } from '../engine/space/reasons.ts'
import type { DeviceState } from '../engine/space/state.ts'
import { signRule } from '../engine/sync/mallory.test-support.ts'
import { decodeAuthorityBody, encodeAuthorityBody } from '../wire/authority.ts'
import { concat, fromHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type EpochId, type IdentityId, type OpId, type SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { opsOf } from './invariants-group.ts'
import type { Tamper } from './node.ts'
import { type Plan, simulate } from './run.ts'
import { BEGINNING } from './world.ts'

/** The real engine of these devices, or of all, with each of its spaces changed as soon as it is there. `often`: and looked at after every step. */
function spaces(patch: (replica: Replica) => void, whose?: string, often: (replica: Replica) => void = () => {}): Tamper {
  return (device) => {
    if (whose !== undefined && device !== whose) return undefined
    const done = new Set<Replica>()
    const look = (engine: Engine): void => {
      for (const replica of engine.replicas.values()) {
        if (!done.has(replica)) { done.add(replica); patch(replica) }
        often(replica)
      }
    }
    return { before: (input, engine) => { look(engine); return input }, after: (step, _input, engine) => { look(engine); return step } }
  }
}

const engines = (change: (engine: Engine) => void): Tamper => () => ({ before: (input, engine) => { change(engine); return input } })

type Shown = (reason: Reason, author: IdentityId | undefined, authority: Authority) => boolean
/** Every engine's state holds some of what is void: all that have the same ops, and whoever judges them from scratch, agree. */
async function withShown<T>(isShown: Shown, work: () => Promise<T>): Promise<T> {
  const hash = Authority.prototype.stateHash
  const spy = vi.spyOn(Authority.prototype, 'stateHash').mockImplementation(function (this: Authority) {
    const shown = this.nodes.filter(({ id, author }) => { const verdict = this.verdict(id); return verdict.type === 'void' && isShown(verdict.reason, author, this) })
    return `${hash.call(this)} ${shown.map(({ id }) => id).sort().join()}`
  })
  try { return await work() } finally { spy.mockRestore() }
}

/** Who is to be put out is this one, by a ban; and they go on, knowing it, or as if they knew nothing of it. */
function defiant(name: string, knows: boolean): Tamper {
  const inSpace = ({ authority }: Replica): IdentityId | undefined => [...authority.state.members.keys()].find((one) => authority.nameOf(one) === name)
  const done = new Set<string>()
  return (device) => (device !== name ? {
    before: (input, { replicas }) => {
      if (input.type !== 'command' || !('member' in input.command)) return input
      const { space } = input.command, replica = replicas.get(space), member = replica && inSpace(replica)
      return member === undefined ? input : { ...input, command: { type: 'ban-member', space, member } }
    },
  } : {
    after: async (step, _input, { replicas }) => {
      const sends: Send[] = []
      for (const replica of replicas.values()) {
        const [relayKey] = replica.everyone.relayKeysInUse(), tip = replica.groups.tip()
        if (replica.state() !== 'removed' || relayKey === undefined || tip === undefined) continue
        const own = replica.log.head(AUTHORITY_CHANNEL, replica.me.device)
        const op = await signRule(replica, 'profile', encodeAuthorityBody({ type: 'profile', name }), BEGINNING, knows || own === undefined ? {} : { deps: [own.id] }), { prev = '' } = op.header
        // Not twice at one place: that would be a fork, which tells against them wherever it lies.
        if (done.has(prev)) continue
        done.add(prev)
        const bytes = replica.mail.seal(tip, { type: 'ops', ops: [op.bytes] }), key = await replica.mail.topicOf(relayKey)
        if (bytes !== undefined) for (const relay of replica.mail.relays) sends.push({ type: 'post', relay, key, parcelId: op.id, bytes })
      }
      return { ...step, sends: [...step.sends, ...sends] }
    },
  })
}

/** What follows authority, among what is due in a group. */
const FOLLOWING: ReadonlySet<string> = new Set(['change', 'rejoin'])
/** The first thing that is found in a few seeds. */
async function first(tamper: Tamper, plan: Partial<Plan> = {}, seeds = 12): Promise<string> {
  const from = plan.seed ?? 1
  for (let seed = from; seed < from + seeds; seed++) {
    const { failure } = await simulate({ steps: 60, peers: 4, tamper, ...plan, seed })
    if (failure !== undefined) return failure
  }
  return 'nothing'
}

describe('is found', () => {
  test('a device that takes in whatever somebody says on one day (S7)', async () => {
    const greedy = spaces(({ quota }) => { quota.putsOff = () => false })
    expect(await first(greedy, { seed: 4, liars: 1, peers: 3 })).toMatch(/^S7: .* today$/)
  })

  test('a device that chooses another way where there are two (I1)', async () => {
    const stubborn = spaces(({ groups: { tree } }) => {
      const path = tree.path.bind(tree)
      tree.path = () => { const way = path(), at = way.findIndex((epoch) => (tree.nodes.get(epoch)?.children.length ?? 0) > 1); return at < 0 ? way : way.slice(0, at + 1) }
    }, 'Bob')
    expect(await first(stubborn, { seed: 28 })).toMatch(/^I1: /)
  })

  test('commits that nobody was permitted to make (I2)', async () => {
    expect(await first(spaces(({ groups }) => { groups.stands = () => true }), { peers: 5, liars: 1, seed: 13 })).toMatch(/^I2: /)
  })

  test('a device that stays behind (I5)', async () => {
    const late = spaces(({ groups }) => { groups.tip = () => groups.tree.path().at(-2) ?? groups.tree.path().at(-1) }, 'Bob')
    expect(await first(late)).toMatch(/^I5: /)
  })

  test('keys that come to somebody who was removed (I4)', async () => {
    const told = new Map<string, Map<EpochId, Uint8Array>>()
    const leaky = spaces(() => {}, undefined, ({ id, groups: { keys } }) => {
      const secrets = told.get(id) ?? new Map<EpochId, Uint8Array>()
      told.set(id, secrets)
      for (const epoch of keys.epochs()) secrets.set(epoch, keys.secret(epoch) as Uint8Array)
      for (const [epoch, secret] of secrets) if (!keys.has(epoch)) keys.add(epoch, secret)
    })
    expect(await first(leaky)).toMatch(/^I4: /)
  })

  test('a group in which nobody follows what authority decides (I6)', async () => {
    const done = new WeakSet<object>()
    const idle = engines(({ groupwork }) => {
      const now = groupwork.now.bind(groupwork)
      if (!done.has(groupwork)) groupwork.now = async (turn, audience) => { if (!FOLLOWING.has(due(audience, turn.now).type)) await now(turn, audience) }
      done.add(groupwork)
    })
    expect(await first(idle, { seed: 28 }, 24)).toMatch(/^I6: /)
  })

  test('a device that keeps every state, and makes ever more (I7)', async () => {
    const hoarding = spaces(({ everyone, groups }) => {
      groups.prune = () => []
      Object.defineProperty(everyone, 'renewed', { get: () => ({ tip: groups.tip(), at: 0 }), set: () => {} })
    }, 'Alice')
    expect(await first(hoarding, { peers: 2 })).toMatch(/^I7: /)
  })

  test('a choice between branches that changes with every op (I8)', async () => {
    const fickle = spaces((replica) => {
      const { groups: { tree } } = replica, path = tree.path.bind(tree)
      tree.path = () => {
        const way = path(), at = way.findIndex((epoch) => (tree.nodes.get(epoch)?.children.length ?? 0) > 1)
        const children = tree.nodes.get(way[at] as EpochId)?.children ?? [], ops = [...opsOf(replica)].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521, 0)
        const child = [...children].sort()[ops % Math.max(1, children.length)]
        return child === undefined || at < 0 ? way : [...way.slice(0, at + 1), child]
      }
    })
    expect(await first(fickle, { seed: 56 })).toMatch(/^I8: /)
  })

  test('a group that leaves what most had chosen (I9)', async () => {
    const contrary = spaces(({ groups, groups: { tree } }) => Reflect.set(tree, 'best', ({ id, children }: EpochNode) => {
      const choices = [...tree.choicesBelow(id).values()], votes = (child: EpochId): number => choices.filter((choice) => choice.child === child).length
      return children.filter((child) => groups.stands(child)).sort((a, b) => votes(a) - votes(b) || (a < b ? -1 : 1))[0]
    }))
    expect(await first(contrary, { seed: 21 })).toMatch(/^I9: /)
  })

  test('a key that is not what its commit promised (I12)', async () => {
    const careless = spaces(({ groups: { keys } }) => {
      const add = keys.add.bind(keys)
      keys.add = (epoch, secret) => add(epoch, secret.map((byte, i) => (i === 0 ? byte ^ 1 : byte)))
    }, 'Bob')
    expect(await first(careless)).toMatch(/^I12: /)
  })

  test('a device that takes the removed for readers (I13)', async () => {
    const ever = new Map<string, Map<DeviceId, DeviceState>>()
    const trusting = spaces((replica) => {
      const known = ever.get(replica.id) ?? new Map<DeviceId, DeviceState>()
      ever.set(replica.id, known)
      Object.defineProperty(replica.everyone, 'devices', { get: () => { for (const [device, state] of replica.authority.state.devices) known.set(device, state); return known } })
    })
    expect(await first(trusting, {}, 30)).toMatch(/^I13: /)
  })

  test('a state that is another than that of others in the same epoch (I14)', async () => {
    const odd = spaces(({ groups: { states } }) => {
      const set = states.set.bind(states)
      states.set = (epoch, state: MlsState) => set(epoch, { ...state, keySchedule: { ...state.keySchedule, epochAuthenticator: state.keySchedule.epochAuthenticator.map((byte) => byte ^ 1) } })
    }, 'Bob')
    expect(await first(odd)).toMatch(/^I14: /)
  })

  test('a device that draws other conclusions from the same ops (P1)', async () => {
    const other = spaces(({ authority }) => { const hash = authority.stateHash.bind(authority); authority.stateHash = () => `${hash()} as Bob sees it` }, 'Bob')
    expect(await first(other)).toMatch(/^P1: /)
  })

  test('a device that holds somebody for one who forked (P12)', async () => {
    const slanderous = spaces(({ authority }) => Object.defineProperty(authority, 'equivocations', { get: () => [...authority.state.devices.keys()].slice(0, 1) }), 'Bob')
    expect(await first(slanderous)).toMatch(/^P12: /)
  })

  test('a removal that undoes what its author had seen (P2)', async () => {
    const harsh = spaces(({ authority, log }) => {
      const verdict = authority.verdict.bind(authority)
      authority.verdict = (id) => {
        const removal = [...log.authority.values()].find(({ header }) => header.type === 'kick' || header.type === 'ban')
        return removal !== undefined && log.authority.get(id)?.header.type === 'channelPlace' ? { type: 'void', reason: { code: 'removed', by: removal.id } } : verdict(id)
      }
    }, 'Alice')
    expect(await first(harsh, {}, 30)).toMatch(/^P2: /)
  })

  test('a device that thinks that it owns the space (P4)', async () => {
    const proud = spaces(({ authority, me }) => {
      const real = () => Reflect.get(Object.getPrototypeOf(authority), 'state', authority)
      const asItIs: typeof authority = Object.create(authority, { state: { get: real } })
      authority.stateHash = () => Object.getPrototypeOf(authority).stateHash.call(asItIs)
      Object.defineProperty(authority, 'state', { get: () => ({ ...real(), owner: me.identity }) })
    }, 'Bob')
    expect(await first(proud)).toMatch(/^P4: /)
  })

  test('void ops that come again and are not as if nothing had come (P8)', async () => {
    const shaky = spaces(({ authority }) => {
      const add = authority.add.bind(authority), fresh = () => Reflect.get(Object.getPrototypeOf(authority), 'state', authority)
      let again = 0
      authority.add = async (op) => { if (authority.verdict(op.id).type === 'void') again++; await add(op) }
      Object.defineProperty(authority, 'state', { get: () => (again > 0 ? { ...fresh() } : fresh()) })
    }, 'Alice')
    expect(await first(shaky, { liars: 1 }, 24)).toMatch(/^P8: /)
  })

  test('content that changes who may do what (P14)', async () => {
    const loose = spaces(({ authority, log }) => { const hash = authority.stateHash.bind(authority); authority.stateHash = () => `${hash()} ${log.vector().reduce((sum, e) => sum + e.chanSeq, 0)}` })
    expect(await first(loose, { peers: 1 })).toMatch(/^P14: /)
  })

  test('a device that gives a private channel to whoever asks (U1)', async () => {
    expect(await first(spaces((replica) => { replica.mayHave = () => true }), { isWide: true })).toMatch(/^U1: /)
  })

  test('devices that note nothing of what others hold (L3)', async () => {
    expect(await first(spaces(({ delivery }) => { delivery.note = () => false }))).toMatch(/^L3: /)
  })

  test('an owner who holds void what counts from scratch (P13)', async () => {
    const strict = spaces(({ authority, log }) => {
      const verdict = authority.verdict.bind(authority)
      authority.verdict = (id) => (log.authority.get(id)?.header.type === 'profile' ? { type: 'void', reason: { code: 'not-a-member' } } : verdict(id))
    }, 'Alice')
    expect(await first(strict)).toMatch(/^P13: /)
  })

  test('rules that are not those which are written down (P15)', async () => {
    const verdict = Authority.prototype.verdict
    const spy = vi.spyOn(Authority.prototype, 'verdict').mockImplementation(function (this: Authority, id) {
      const said = verdict.call(this, id)
      return said.type === 'valid' && this.nameOf(this.state.owner as IdentityId) === 'Alice' && id.startsWith('0') ? { type: 'void', reason: { code: 'not-a-member' } } : said
    })
    try { expect(await first(() => undefined)).toMatch(/^P15: /) } finally { spy.mockRestore() }
  })

  test('power that is given by somebody who has less (P3)', async () => {
    const weak = spaces(({ authority }) => { authority.powerBehind = () => 0 })
    expect(await first(weak)).toMatch(/^P3: /)
  })

  test('a space in which what somebody did beyond the cut of their removal is to be seen (P5)', async () => {
    expect(await withShown(({ code }) => code === 'removed', () => first(defiant('Bob', false), { peers: 5, liars: 1, steps: 100, seed: 38 }))).toMatch(/^P5: /)
  })

  test('a space in which what somebody did who knew of their ban is to be seen (P6)', async () => {
    const isShown: Shown = ({ code }, author, { state }) => code !== 'removed' && author !== undefined && state.bans.has(author)
    expect(await withShown(isShown, () => first(defiant('Bob', true), { peers: 5, liars: 1, steps: 100, seed: 66 }))).toMatch(/^P6: /)
  })

  test('what nobody permitted (P7)', async () => {
    const lax = spaces(({ authority }) => { authority.deviceAt = () => 'somebody else' as IdentityId }, 'Alice')
    expect(await first(lax)).toMatch(/^P7: /)
  })

  test('people who removed each other at the same time, and both are out (P11)', async () => {
    const even = spaces(({ authority, log }) => {
      const { verdict, worksByCut } = Object.getPrototypeOf(authority) as Authority
      const targetOf = (op: Op): IdentityId | undefined => { const body = decodeAuthorityBody(op.header.type, op.body); return body?.type === 'kick' || body?.type === 'ban' ? body.identity : undefined }
      const answers = (one: Op, other: Op): boolean => targetOf(one) === authority.identityOf(other.header.device) && targetOf(other) === authority.identityOf(one.header.device) && !authority.hasSeen(one.id, other.id) && !authority.hasSeen(other.id, one.id)
      const isAnswered = (id: OpId): boolean => { const op = log.authority.get(id); return op !== undefined && targetOf(op) !== undefined && [...log.authority.values()].some((other) => answers(op, other)) }
      authority.verdict = (id) => (isAnswered(id) ? { type: 'valid' } : verdict.call(authority, id))
      // As of a choice that fell twice (A15): there P10 asks nothing.
      authority.worksByCut = (id) => !isAnswered(id) && worksByCut.call(authority, id)
      const refuse = authority.refuse.bind(authority)
      authority.refuse = (identity, body, ...rest) => (body.type === 'kick' || body.type === 'ban' ? undefined : refuse(identity, body, ...rest))
    }, 'Alice')
    expect(await first(even, { peers: 5, liars: 2, steps: 100, seed: 1 })).toMatch(/^P11: /)
  })

  test('a member who cannot read what they may (I3)', async () => {
    const blind = spaces((replica) => {
      const read = replica.readContent.bind(replica)
      replica.readContent = (turn, op, row) => {
        const { channel, epoch } = op.header
        if (op.header.device === replica.me.device || epoch === undefined) return read(turn, op, row)
        turn.out.put(`locked/${replica.id}`, concat(fromHex(channel) as Uint8Array, row), fromHex(epoch) as Uint8Array)
      }
    }, 'Bob')
    expect(await first(blind)).toMatch(/^I3: /)
  })

  test('a role that is changed by somebody who is not above it (P9)', async () => {
    const meek = spaces(({ authority, log }) => {
      const power = authority.powerBehind.bind(authority)
      authority.powerBehind = (id) => (['roleDelete', 'rolePermissions', 'roleUnassign'].includes(log.authority.get(id)?.header.type ?? '') ? 0 : power(id))
    })
    expect(await first(meek, { seed: 11 })).toMatch(/^P9: /)
  })

  test('what somebody did who had been removed, and counts all the same (P10)', async () => {
    const kind = spaces(({ authority }) => {
      const verdict = authority.verdict.bind(authority)
      authority.verdict = (id) => { const said = verdict(id); return said.type === 'void' && said.reason.code === 'removed' ? { type: 'valid' } : said }
    }, 'Alice')
    expect(await first(kind, { peers: 5, liars: 2, steps: 160, seed: 13 })).toMatch(/^P10: /)
  })

  test('a member who does not see what others see (L1)', async () => {
    const deaf = spaces((replica) => {
      const read = replica.readContent.bind(replica)
      replica.readContent = (turn, op, row) => { if (op.header.device === replica.me.device) read(turn, op, row) }
    }, 'Bob')
    expect(await first(deaf)).toMatch(/^L1: /)
  })

  test('what was said, kept, and shown to nobody (L2)', async () => {
    const mute = spaces((replica) => {
      const read = replica.readContent.bind(replica)
      replica.readContent = (turn, op, row) => { if (op.header.type !== 'message' || op.id > '4') read(turn, op, row) }
    })
    expect(await first(mute)).toMatch(/^L2: /)
  })

  test('somebody who goes on joining for ever (L4)', async () => {
    const lost: Tamper = (device) => (device === 'Bob' ? { before: (input) => (input.type === 'parcels' ? { ...input, parcels: [], end: false } : input) } : undefined)
    expect(await first(lost)).toMatch(/^L4: /)
  })

  test('an owner who can invite nobody (L5)', async () => {
    const shut: Tamper = (device) => (device === 'Alice' ? { before: (input) => (input.type === 'command' && input.command.type === 'create-invite' ? { ...input, command: { ...input.command, space: 'f'.repeat(64) as SpaceId } } : input) } : undefined)
    expect(await first(shut)).toMatch(/^L5: /)
  })

  test('somebody who does not see that they were put out (L6)', async () => {
    const naive = spaces((replica) => { const state = replica.state.bind(replica); replica.state = () => { const now = state(); return now === 'removed' ? 'member' : now } }, 'Bob')
    expect(await first(naive, { seed: 10 })).toMatch(/^L6: /)
  })
})
