/** The properties of authority over random histories: P1-P15 of ../RULES.md. `AUTHORITY_CASES` asks for more histories than a usual run has time for. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuthorityBody } from '../../wire/authority.ts'
import { decodeAuthorityBody } from '../../wire/authority.ts'
import type { Op } from '../../wire/op.ts'
import type { Authority } from './authority.ts'
import { predecessors } from './history.ts'
import { type Decision, decisions, Histories, randomHistory } from './history.test-support.ts'
import { PERMISSIONS } from '../../wire/permissions.ts'
import { Reference } from './reference.test-support.ts'
import { channelNamed, roleNamed } from './village.test-support.ts'

const CASES = Number(process.env.AUTHORITY_CASES ?? 5000)
/** The same histories in each usual run, so that whoever changes something else isn't stopped by what chance finds; others where one asks for them. */
const SEED = Number(process.env.AUTHORITY_SEED ?? 20_261_121)
const options = (share: number) => ({ numRuns: Math.ceil(CASES * share), seed: SEED })
const LONG = 24 * 3600_000

/** How every op stands and why, and what the space is. */
const outcome = (authority: Authority, ops: readonly Op[]): string[] =>
  [...ops.map((op) => `${op.header.type} ${op.id.slice(0, 8)} ${JSON.stringify(authority.verdict(op.id))}`), authority.stateHash()]

const forAll = (share: number, maxLength: number, check: (h: Histories, seed: number) => Promise<void>) =>
  fc.assert(fc.asyncProperty(decisions(maxLength), fc.nat(), async (steps, seed) => check(await randomHistory(steps), seed)), options(share))

const bodyOf = (op: Op): AuthorityBody | undefined => decodeAuthorityBody(op.header.type, op.body)

test('P1 any order and duplication of delivery gives the same state', () => forAll(0.1, 50, async (h, seed) => {
  const twice = await h.replayed(seed, h.ops)
  for (const op of h.ops) await twice.add(op)
  expect(outcome(twice, h.ops)).toEqual(outcome(await h.replayed(seed + 7), h.ops))
}), LONG)

test('P1 A23 what was found of the signatures in an op is found again from that alone', () => forAll(0.05, 50, async (h, seed) => {
  const first = await h.replayed(seed), again = await h.replayed(seed + 7, h.ops, first)
  expect(outcome(again, h.ops)).toEqual(outcome(first, h.ops))
  for (const { id } of h.ops) expect(again.proofOf(id)).toBe(first.proofOf(id))
}), LONG)

test('P2 an op that has seen everything voids nothing that others did before', () => forAll(0.1, 40, async (h, seed) => {
  h.everyoneHears()
  const before = h.ops.filter((op) => h.all.verdict(op.id).type === 'valid')
  const owner = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].find((name) => h.device(name).identity === h.all.state.owner) as string
  const target = h.device(['alice', 'bob', 'carol', 'dave', 'erin', 'frank'][seed % 6] as string)
  const cuts = h.cuts(owner, target.identity)
  const all = [...h.all.state.members.keys()].flatMap((i) => h.cuts(owner, i)).sort((a, b) => (a.device < b.device ? -1 : 1))
  const bodies: AuthorityBody[] = [
    { type: 'kick', identity: target.identity, cuts }, { type: 'ban', identity: target.identity, cuts }, { type: 'roleDelete', role: roleNamed('mod'), cuts: all },
    { type: 'roleUnassign', role: roleNamed('admin'), identity: target.identity, cuts }, { type: 'rolePower', role: roleNamed('mod'), power: 1, cuts: all },
    { type: 'ownerTransfer', to: target.identity, cuts: h.cuts(owner, h.device(owner).identity) },
  ]
  await h.say(owner, bodies[seed % bodies.length] as AuthorityBody)
  // A chain that forked may be mended by a cut: what comes to count again may stand against something else.
  if (h.all.equivocations.length === 0) expect(before.filter((op) => h.all.verdict(op.id).type === 'void').map((op) => op.header.type)).toEqual([])
}), LONG)

test('P3 nobody gives power at or above its own', () => forAll(0.1, 50, async (h) => {
  for (const op of h.ops) {
    const body = bodyOf(op)
    if (h.all.verdict(op.id).type === 'void' || body === undefined) continue
    const seen = predecessors(op)
    const power = h.all.powerAt(op.header.device, seen)
    if (body.type === 'roleCreate' || body.type === 'rolePower') expect(body.power).toBeLessThan(power)
    if ((body.type === 'roleAssign' || body.type === 'invite') && body.role !== undefined) expect(h.all.stateAt(seen).roles.get(body.role)?.power).toBeLessThan(power)
  }
}), LONG)

test('P4 there is exactly one owner, who is a member, and only the owner or the recovery set made it so', () => forAll(0.2, 50, async (h) => {
  const { state } = h.all
  expect(state.owner).toBeDefined()
  expect(state.members.get(state.owner as never)?.power).toBe(100)
  expect([...state.members.values()].filter((m) => m.power === 100).length).toBe(1)
  for (const op of h.ops) {
    if (op.header.type !== 'ownerTransfer' || h.all.verdict(op.id).type === 'void') continue
    expect(h.all.stateAt(predecessors(op)).owner).toBe(h.all.identityOf(op.header.device))
  }
}), LONG)

test('P5 what is beyond a chosen cut influences nothing: without it the space is the same', () => forAll(0.1, 40, async (h) => {
  const isLate = (op: Op): boolean => {
    const verdict = h.all.verdict(op.id)
    return verdict.type === 'void' && verdict.reason.code === 'removed'
  }
  const followed = new Set(h.ops.flatMap((op) => predecessors(op)))
  const last = h.ops.filter((op) => isLate(op) && !followed.has(op.id))
  // Proof of a fork tells against its author wherever it lies.
  fc.pre(last.length > 0 && !last.some((op) => h.all.equivocations.includes(op.header.device)))
  const rest = h.ops.filter((op) => !last.includes(op))
  const without = await h.replayed(1, rest)
  expect(without.stateHash()).toBe(h.all.stateHash())
}), LONG)

/** The owner bans somebody, having seen everything; that person then writes whatever it likes, as if it had not heard. */
test('P6 a banned identity goes on writing, backdated, twice at one place, with lies: nothing changes', () => fc.assert(
  fc.asyncProperty(decisions(30), decisions(12), fc.nat(7), async (steps, late, who) => {
    const h = await randomHistory(steps)
    h.everyoneHears()
    const owner = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].find((name) => h.device(name).identity === h.all.state.owner) as string
    const banned = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'bob', 'carol'][who] as string
    fc.pre(banned !== owner && h.all.equivocations.length === 0 && h.all.state.devices.has(h.device(owner).device))
    const target = h.device(banned)
    const ban = h.village.make(h.device(owner), { type: 'ban', identity: target.identity, cuts: h.cuts(owner, target.identity) }, { deps: h.heads(owner) })
    await h.all.add(ban)
    expect(h.all.verdict(ban.id).type).toBe('valid')
    const before = h.all.stateHash()
    const from = h.ops.length
    const index = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'alice+phone', 'bob+phone', 'carol+phone'].indexOf(banned)
    for (const [n, [, what, about, which, how]] of late.entries()) await h.play([[index, what % 5 === 0 ? 1 : what, about, which, n % 2 === 0 ? how & 0xf3 : how]])
    expect(h.all.stateHash()).toBe(before)
    const fresh = await h.replayed(who, [...h.ops.slice(0, from), ban, ...h.ops.slice(from)])
    expect(fresh.stateHash()).toBe(before)
  }), options(0.1)), LONG)

test('P7 every op that counts is permitted by what counts of its past', () => forAll(0.1, 50, async (h) => {
  for (const op of h.ops) {
    const body = bodyOf(op), author = h.all.identityOf(op.header.device)
    if (h.all.verdict(op.id).type === 'void' || body === undefined || body.type === 'genesis' || body.type === 'join' || author === undefined) continue
    expect(h.all.refuse(author, body, predecessors(op), op.header.device), op.header.type).toBeUndefined()
    const addsItself = body.type === 'deviceAdd' && body.device === op.header.device
    expect(h.all.deviceAt(op.header.device, predecessors(op))).toBe(addsItself ? undefined : author)
  }
}), LONG)

test('P8 delivering void ops again changes nothing', () => forAll(0.02, 40, async (h) => {
  const { state } = h.all
  for (const op of h.ops) if (h.all.verdict(op.id).type === 'void') await h.all.add(op)
  expect(h.all.state).toBe(state)
}), LONG)

test('P9 people below a power change no role at or above it, together or backdated', () => fc.assert(
  fc.asyncProperty(decisions(25), decisions(25), async (steps, late) => {
    const h = await randomHistory(steps)
    h.everyoneHears()
    const weak = ['erin', 'frank'].filter((name) => (h.maxPower.get(h.device(name).identity) ?? 0) < 50)
    fc.pre(weak.length > 0)
    const high = (): unknown => [...h.all.state.roles].filter(([, r]) => r.power >= 50).map(([role, r]) => [role, r, [...h.all.state.members].filter(([, m]) => m.roles.includes(role)).map(([i]) => i)])
    const before = high()
    for (const [who, what, about, which, how] of late) {
      const name = weak[who % weak.length] as string
      await h.play([[name === 'erin' ? 4 : 5, what % 5 === 0 ? 1 : what, about, which, how]])
    }
    fc.pre(weak.every((name) => (h.maxPower.get(h.device(name).identity) ?? 0) < 50))
    expect(high()).toEqual(before)
  }), options(0.1)), LONG)

/** The owner takes all roles from somebody, having seen everything; that person then uses its old power, as if it had not heard. */
test('P10 backdated use of a lost power has no influence', () => fc.assert(
  fc.asyncProperty(decisions(25), decisions(12), fc.nat(3), async (steps, late, who) => {
    const h = await randomHistory(steps)
    h.everyoneHears()
    const owner = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].find((name) => h.device(name).identity === h.all.state.owner) as string
    const demoted = ['bob', 'carol', 'dave', 'erin'][who] as string
    const target = h.device(demoted)
    const roles = h.all.state.members.get(target.identity)?.roles ?? []
    fc.pre(demoted !== owner && roles.length > 0 && h.all.equivocations.length === 0 && h.all.state.devices.has(h.device(owner).device))
    let last = h.heads(owner)
    for (const role of roles) {
      const op = h.village.make(h.device(owner), { type: 'roleUnassign', role, identity: target.identity, cuts: h.cuts(owner, target.identity) }, { deps: last })
      await h.all.add(op)
      expect(h.all.verdict(op.id).type).toBe('valid')
      h.device(owner).seq++
      h.device(owner).last = op.id
      last = [op.id]
    }
    const before = h.all.stateHash()
    const powerful = [0, 3, 6, 8, 10, 11, 12, 13, 24]
    for (const [, what, about, which, how] of late) {
      const kind = powerful[what % powerful.length] as number
      const step: Decision = [['alice', 'bob', 'carol', 'dave', 'erin'].indexOf(demoted), (kind * 2) % 5 === 0 ? kind * 2 + 1 : kind * 2, about, which, how % 16 === 2 ? 4 : how]
      await h.play([step])
    }
    expect(h.all.stateHash()).toBe(before)
  }), options(0.1)), LONG)

test('P11 circles of removals have one outcome, and the owner survives', () => fc.assert(
  fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 6, maxLength: 6 }), fc.boolean(), fc.nat(), async (n, powers, withOwner, seed) => {
    const h = await new Histories().begin()
    const ring = ['bob', 'carol', 'dave', 'erin', 'frank', 'alice'].slice(withOwner ? 6 - n : 0, withOwner ? 6 : n)
    await h.say('frank', h.village.join(h.device('frank'), 'door'), { deps: h.heads('alice') })
    h.everyoneHears()
    // Each is raised in sight of the one who will remove it only later: so that everyone may remove the next.
    for (const [i, name] of ring.entries()) {
      const role = roleNamed(`ring ${i}`)
      await h.say('alice', { type: 'roleCreate', role, name: `ring ${i}`, power: powers[i] as number, permissions: PERMISSIONS.kick | PERMISSIONS.ban })
      if (name !== 'alice') await h.say('alice', { type: 'roleAssign', role, identity: h.device(name).identity })
      h.hear(name, 'alice')
    }
    for (const [i, name] of ring.entries()) {
      const next = h.device(ring[(i + 1) % ring.length] as string)
      await h.say(name, { type: seed % 2 === 0 ? 'kick' : 'ban', identity: next.identity, cuts: h.cuts(name, next.identity) })
    }
    expect(h.all.state.owner).toBe(h.device('alice').identity)
    expect(h.all.state.members.has(h.device('alice').identity)).toBe(true)
    const reference = new Reference(h.ops)
    expect([...h.all.state.members.keys()]).toEqual([...reference.now().members].sort())
    for (const shift of [1, 2, 3]) expect(outcome(await h.replayed(seed + shift), h.ops)).toEqual(outcome(h.all, h.ops))
  }), options(0.02)), LONG)

test('P12 forked chains are frozen alike, whichever branch and whichever proof came first', () => forAll(0.03, 40, async (h, seed) => {
  const forked = h.ops[seed % h.ops.length] as Op
  fc.pre(forked.header.type !== 'genesis')
  const name = [...h.village.devices.values()].find((d) => d.device === forked.header.device)?.name as string
  await h.say(name, { type: 'profile', name: 'Another' }, { seq: forked.header.seq, prev: forked.header.prev })
  const a = await h.replayed(seed), b = await h.replayed(seed + 13)
  expect(a.equivocations).toContain(forked.header.device)
  expect(a.equivocations).toEqual(b.equivocations)
  expect(outcome(a, h.ops)).toEqual(outcome(b, h.ops))
}), LONG)

test('P13 op by op and from scratch give the same', () => forAll(0.2, 60, async (h, seed) => {
  expect(outcome(h.all, h.ops)).toEqual(outcome(await h.replayed(seed), h.ops))
}), LONG)

test('P14 judging content changes no authority', () => forAll(0.02, 40, async (h) => {
  const before = outcome(h.all, h.ops)
  for (const op of h.ops) h.all.contentVerdict({ ...op.header, type: 'message' })
  expect(outcome(h.all, h.ops)).toEqual(before)
}), LONG)

test('P15 an independent resolver agrees on random histories', () => forAll(1, 40, async (h) => {
  const reference = new Reference(h.ops)
  const standing = h.ops.map((op) => `${op.header.type} ${op.id.slice(0, 8)} ${h.all.verdict(op.id).type}`)
  expect(standing).toEqual(h.ops.map((op) => `${op.header.type} ${op.id.slice(0, 8)} ${reference.isVoid(op.id) ? 'void' : 'valid'}`))
  const { state } = h.all, said = reference.now()
  expect([...state.members.keys()]).toEqual([...said.members].sort())
  expect(state.owner).toBe(said.owner)
  for (const [identity, member] of state.members) {
    expect(member.power).toBe(said.power(identity))
    expect(member.roles).toEqual([...(said.held.get(identity) ?? [])].sort())
  }
  expect([...state.roles].map(([role, r]) => [role, r.power, r.permissions])).toEqual([...said.roles].map(([role, r]) => [role, r.power, r.permissions]).sort())
  expect([...state.devices].map(([device, d]) => `${device} ${d.identity}`)).toEqual([...said.devices].filter(([, i]) => i !== '' && said.members.has(i)).map(([device, i]) => `${device} ${i}`).sort())
}), LONG)

test('P15 an independent judge of what removals take back of what was said agrees on random histories', () => forAll(0.3, 60, async (h) => {
  const reference = new Reference(h.ops)
  const forked = new Set(h.all.equivocations)
  for (const device of h.all.everCertified) {
    const author = h.all.identityOf(device)
    if (author === undefined || forked.has(device)) continue
    for (const seq of [1, 3, 6, 12, 24]) {
      const last = h.ops.filter((op) => op.header.device === device && op.header.seq <= seq).at(-1)
      const seen = h.pastOf(last === undefined ? [] : predecessors(last))
      for (const channel of ['garden', 'kitchen', 'attic'].map(channelNamed)) {
        for (const chanSeq of [1, 2, 4]) {
          const place = { device, seq, channel, chanSeq }
          expect([place, h.all.isCut(place)]).toEqual([place, reference.takesBack(author, place, seen)])
        }
      }
    }
  }
}), LONG)
