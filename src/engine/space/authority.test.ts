/** Rules that need more than a story's lines: recovery, forks, registers, content, explanations. Numbers are those of ../RULES.md. */
import { expect, test } from 'vitest'
import { type AuthorityBody, type Cut, decodeAuthorityBody, type Ends, EVERYONE, MAX_CUT_DEVICES } from '../../wire/authority.ts'
import { fromHex } from '../../wire/bytes.ts'
import type { DeviceId, OpId } from '../../wire/ids.ts'
import { encodeHeader, MAX_DEPS, type Op, type OpHeader, opSignedBytes } from '../../wire/op.ts'
import { refusal } from '../refusals.ts'
import type { Authority } from './authority.ts'
import { PERMISSIONS } from '../../wire/permissions.ts'
import { MAX_ROLES } from './permitted.ts'
import { judged, message, type Story, tell } from './story.test-support.ts'
import { channelNamed, inviteNamed, named, roleNamed, shuffled, toySign, toySuite, Village } from './village.test-support.ts'
import { Authority as FreshAuthority } from './authority.ts'

const MODERATED = `
  alice founds Home
  alice invites door
  bob joins door
  carol joins door
  dave joins door
  alice makes mod 50 kick,ban,roles,channels,invite,timeout,messages
  alice gives mod bob
  alice opens garden
`
const why = (authority: Authority, op: Op): string => {
  const verdict = authority.verdict(op.id)
  return verdict.type === 'valid' ? 'valid' : verdict.reason.code
}

/** All that anyone holds, on a fresh device, in another order. */
async function anew(story: Story): Promise<Authority> {
  const ops = new Map([...story.village.devices.values()].flatMap((d) => [...d.held]))
  const authority = new FreshAuthority(toySuite)
  for (const op of shuffled([...ops.values()], (n) => n - 1)) await authority.add(op)
  return authority
}

test('A18 a lost owner is replaced by enough of the recovery set, and by no fewer', async () => {
  const story = await tell(`${MODERATED}
    bob trusts 2 bob carol dave -> owner-only
    alice trusts 2 bob carol dave
  `)
  const v = story.village, [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((n) => v.device(n)) as [ReturnType<Village['device']>, ReturnType<Village['device']>, ReturnType<Village['device']>, ReturnType<Village['device']>]
  const set = story.last.get('alice') as Op['id']
  const alone = await v.say(bob, v.recover(bob, set, bob, [bob], alice.identity))
  expect(why(bob.authority, alone)).toBe('bad-signature')
  const stranger = await v.say(bob, v.recover(bob, set, bob, [bob, v.device('zoe')], alice.identity))
  expect(why(bob.authority, stranger)).toBe('bad-signature')
  const enough = await v.say(bob, v.recover(bob, set, carol, [bob, dave], alice.identity))
  expect(why(bob.authority, enough)).toBe('valid')
  await v.everyoneMeets()
  await story.tell(`
    owner: carol
    members: alice bob carol dave
    alice names-space Mine -> no-permission
    carol kicks alice
  `)
})

test('A18 an owner who is there, and did something about it meanwhile, is not replaced', async () => {
  const story = await tell(`${MODERATED}
    alice trusts 2 bob carol dave
    apart alice | bob carol dave
  `)
  const v = story.village, bob = v.device('bob'), alice = v.device('alice')
  const set = story.last.get('alice') as Op['id']
  const coup = await v.say(bob, v.recover(bob, set, bob, [v.device('carol'), v.device('dave')], alice.identity))
  await story.tell(`
    alice trusts 1 dave
    together
    owner: alice
  `)
  expect(why(alice.authority, coup)).toBe('recovered')
})

test('A19 a device that signed twice at one place is frozen from there on; its identity goes on with another', async () => {
  const story = await tell(`${MODERATED}
    bob links bob+phone
    bob opens kitchen
  `)
  const v = story.village, bob = v.device('bob'), alice = v.device('alice')
  const again = v.make(bob, { type: 'channelCreate', channel: channelNamed('cellar'), name: 'cellar', kind: 'text', audience: 0 }, { seq: bob.seq, prev: (bob.held.get(bob.last as Op['id']) as Op).header.prev })
  await alice.take(again)
  await v.everyoneMeets()
  await story.tell(`
    channels: garden
    void bob: forked
    bob+phone opens attic
    channels: attic garden
    members: alice bob carol dave
  `)
  expect(alice.authority.equivocations).toEqual([bob.device])
  expect((await anew(story)).stateHash()).toBe(alice.authority.stateHash())
})

test('A19 a revocation with a cut chooses the branch that counts', async () => {
  const story = await tell(`${MODERATED}
    bob opens kitchen
  `)
  const v = story.village, bob = v.device('bob'), alice = v.device('alice')
  const own = bob.held.get(bob.last as Op['id']) as Op
  const again = v.make(bob, { type: 'profile', name: 'Two' }, { seq: bob.seq, prev: own.header.prev })
  await story.tell(`
    alice revokes bob
    channels: garden kitchen
  `)
  await alice.take(again)
  await v.everyoneMeets()
  await story.tell('channels: garden kitchen')
  // Nor is what was said there for a branch of the group taken back.
  expect(alice.authority.equivocations).toEqual([bob.device])
  expect([own.header.seq, own.header.seq + 1].map((seq) => alice.authority.isCut({ device: bob.device, seq }))).toEqual([false, true])
})

test('A19 two signed headers prove a fork to those who have neither op', async () => {
  const story = await tell(`${MODERATED}
    bob opens kitchen
  `)
  const v = story.village, bob = v.device('bob'), carol = v.device('carol')
  const own = (bob.held.get(bob.last as Op['id']) as Op).header
  const proof = (second: OpHeader): AuthorityBody => {
    const signed = (h: OpHeader) => ({ header: encodeHeader(h), sig: toySign(fromHex(h.device) as Uint8Array, opSignedBytes(toySuite.sha256(encodeHeader(h)))) })
    const a = signed(own), b = signed(second)
    return { type: 'forkProof', first: a.header, firstRun: [], firstSig: a.sig, second: b.header, secondRun: [], secondSig: b.sig }
  }
  for (const harmless of [own, { ...own, seq: own.seq + 1, prev: own.prev, chanSeq: own.chanSeq + 1 }, { ...own, device: carol.device }]) {
    expect(why(carol.authority, await v.say(carol, proof(harmless)))).toBe('bad-signature')
  }
  const message = { ...own, type: 'message', hlc: own.hlc + 1, channel: channelNamed('garden'), chanSeq: 1, chanPrev: undefined }
  expect(why(carol.authority, await v.say(carol, proof(message)))).toBe('valid')
  await v.everyoneMeets()
  await story.tell(`
    channels: garden
    void bob: forked
  `)
})

test('A20 of two who come through an invite for one at the same time, the one who was seen stays', async () => {
  for (const first of ['erin', 'frank']) {
    const second = first === 'erin' ? 'frank' : 'erin'
    const story = await tell(`${MODERATED}
      alice invites narrow - 1
      apart alice ${first} | bob ${second}
      ${first} joins narrow
      alice names-space Hut
      ${second} joins narrow
      together
      members: alice bob carol dave ${first}
      void ${second}: invite-used-up
      ${second} joins door
    `)
    expect((await anew(story)).state.invites.get(inviteNamed('narrow'))?.used).toBe(1)
  }
})

test('A21 of concurrent values the most restrictive wins, then the more powerful author, then the smaller id', async () => {
  const story = await tell(`${MODERATED}
    alice makes guide 20 kick,invite
    alice makes space 30 space
    alice gives space bob
    apart alice | bob
    alice empowers guide 15
    bob empowers guide 30
    alice permits guide kick,invite,send
    bob permits guide kick
    alice names-space Castle
    bob names-space Cave
    bob hides-history
    together
  `)
  const { state } = story.village.device('carol').authority
  expect(state.roles.get(roleNamed('guide'))).toEqual({ name: 'guide', power: 15, permissions: PERMISSIONS.kick })
  expect(state.name).toBe('Castle')
  expect(state.historyPolicy).toBe('fromJoin')
})

test('A22 ending wins over concurrent adding, and roles are given anew after a removal', () => tell(`${MODERATED}
  alice links alice+phone
  apart alice | alice+phone
  alice gives mod dave
  alice+phone kicks dave
  together
  members: alice bob carol
  alice invites again
  dave joins again
  roles dave:
`))

test('A23 what an op says about itself is checked when it comes: certificates, consent, proofs, cuts', async () => {
  const story = await tell(MODERATED)
  const v = story.village, bob = v.device('bob'), alice = v.device('alice'), mallory = v.device('mallory')
  await mallory.hear(alice)
  const join = v.join(mallory, 'door') as Extract<AuthorityBody, { type: 'join' }>
  expect(why(mallory.authority, await v.say(mallory, { ...join, cert: new Uint8Array(96) }))).toBe('bad-signature')
  expect(why(mallory.authority, await v.say(mallory, { ...join, proof: new Uint8Array(64) }))).toBe('bad-signature')
  expect(why(mallory.authority, await v.say(mallory, { ...join, identityPk: alice.identityPk }))).toBe('bad-signature')
  const taken = { ...(v.deviceAdd(v.device('bob+phone')) as Extract<AuthorityBody, { type: 'deviceAdd' }>), consent: new Uint8Array(64) }
  expect(why(bob.authority, await v.say(bob, taken))).toBe('bad-signature')
  const phone = v.device('bob+phone'), itself = v.addItself(phone) as Extract<AuthorityBody, { type: 'deviceAdd' }>
  await phone.hear(alice)
  // Its person certified it, but did not say that it may come into this space; and the device's own word is nothing.
  for (const consent of [new Uint8Array(64), (v.deviceAdd(phone) as typeof itself).consent]) expect(why(phone.authority, await v.say(phone, { ...itself, consent }))).toBe('bad-signature')
  // Bob claims to have seen an op of Carol's that is Dave's.
  const dave = v.device('dave').last as Op['id']
  expect(why(bob.authority, await v.say(bob, { type: 'kick', identity: v.device('carol').identity, cuts: [{ device: v.device('carol').device, seq: 1, head: dave, authority: dave }] }))).toBe('bad-cut')
  expect(why(bob.authority, await v.say(bob, { type: 'kick', bytes: new Uint8Array([0x80]) }))).toBe('malformed')
  await v.everyoneMeets()
  await story.tell('members: alice bob carol dave')
})

test('A23 an op before its predecessors is a mistake of ours', async () => {
  const story = await tell(MODERATED)
  const bob = story.village.device('bob')
  await expect(new FreshAuthority(toySuite).add(bob.held.get(bob.last as Op['id']) as Op)).rejects.toThrow('before its predecessor')
})

test('A24 ops of other parts are members\' ops, carry the past, and change nothing', async () => {
  const story = await tell(MODERATED)
  const v = story.village, alice = v.device('alice'), bob = v.device('bob'), zoe = v.device('zoe')
  await zoe.hear(alice)
  const before = alice.authority.stateHash()
  const commit = await v.say(bob, { type: 'commit', bytes: new Uint8Array([1]) })
  const foreign = await v.say(zoe, { type: 'commit', bytes: new Uint8Array([2]) })
  await v.everyoneMeets([alice, bob, zoe])
  expect(why(alice.authority, commit)).toBe('valid')
  expect(why(alice.authority, foreign)).toBe('not-a-member')
  expect(alice.authority.stateHash()).toBe(before)
  expect(alice.authority.heads()).toEqual([commit.id, foreign.id].sort())
  const kick = await v.say(alice, { type: 'kick', identity: bob.identity, cuts: [] }, { deps: [commit.id] })
  expect(why(alice.authority, kick)).toBe('valid')
  expect(why(alice.authority, commit)).toBe('removed')
})

test('A24 heads fit an op, and those left out come with the next', async () => {
  const story = await tell(MODERATED)
  const v = story.village, alice = v.device('alice')
  const from = alice.authority.heads()
  for (let i = 0; i < MAX_DEPS + 4; i++) {
    const person = v.device(`guest ${i}`)
    await person.hear(alice)
    await alice.take(await v.say(person, v.join(person, 'door'), { deps: from }))
  }
  expect(alice.authority.heads().length).toBe(MAX_DEPS)
  await v.say(alice, { type: 'profile', name: 'A' })
  await v.say(alice, { type: 'profile', name: 'B' })
  expect(alice.authority.heads()).toEqual([alice.last])
})

test('A25 content needs a member, its device, a channel and the right to write there', async () => {
  const story = await tell(MODERATED)
  expect(judged(story, message(story, 'bob'))).toBe('valid')
  await story.village.device('zoe').hear(story.village.device('alice'))
  expect(judged(story, message(story, 'zoe'))).toBe('not-a-member')
  expect(judged(story, message(story, 'bob', { channel: 'attic' }))).toBe('unknown-channel')
  const before = message(story, 'carol')
  await story.tell('alice overrides garden @everyone - send')
  expect(judged(story, before)).toBe('valid')
  expect(judged(story, message(story, 'carol'))).toBe('no-permission')
  expect(judged(story, message(story, 'carol', { type: 'reaction' }))).toBe('valid')
  expect(judged(story, message(story, 'alice'))).toBe('valid')
  await story.tell('alice overrides garden @mod send -')
  expect(judged(story, message(story, 'bob'))).toBe('valid')
  await story.tell('alice overrides garden bob - send')
  expect(judged(story, message(story, 'bob'))).toBe('no-permission')
})

test('A25 content that was judged a moment ago is judged anew when what it rested on falls', async () => {
  const story = await tell(`${MODERATED}
    alice links alice+phone
    apart alice bob carol | alice+phone
    bob opens kitchen
  `)
  const said = message(story, 'carol', { channel: 'kitchen' })
  expect(judged(story, said)).toBe('valid')
  await story.tell(`
    alice+phone kicks bob
    together
  `)
  expect(judged(story, said)).toBe('unknown-channel')
})

test('A26 of two concurrent removals the larger cut counts for content, the smaller for authority', async () => {
  const story = await tell(`${MODERATED}
    alice links alice+phone
    apart alice | alice+phone | bob
  `)
  const v = story.village, bob = v.device('bob')
  const early = message(story, 'bob', { seq: 3 }), late = message(story, 'bob', { seq: 6 }), later = message(story, 'bob', { seq: 9 })
  const kick = (seq: number): AuthorityBody => ({ type: 'kick', identity: bob.identity, cuts: [{ device: bob.device, seq, head: bob.last, authority: bob.last }] })
  await v.say(v.device('alice'), kick(4))
  expect([early, late, later].map((h) => judged(story, h))).toEqual(['valid', 'removed', 'removed'])
  await v.say(v.device('alice+phone'), kick(7))
  await story.tell('together')
  expect([early, late, later].map((h) => judged(story, h))).toEqual(['valid', 'valid', 'removed'])
  expect(judged(story, message(story, 'bob'))).toBe('not-a-member')
})

test('A26 where a removal says where the chains of content end, numbers of before are worth nothing beyond', async () => {
  const story = await tell(`${MODERATED}
    alice opens kitchen
    alice links alice+phone
    apart alice | alice+phone | bob
  `)
  const v = story.village, bob = v.device('bob')
  const at = (channel: string, chanSeq: number, seq = 3): OpHeader => ({ ...message(story, 'bob', { seq, channel }), chanSeq })
  const kick = (ends: Ends | undefined): AuthorityBody => ({ type: 'kick', identity: bob.identity, cuts: [{ device: bob.device, seq: 9, head: bob.last, authority: bob.last, ...(ends === undefined ? {} : { ends }) }] })
  const garden = channelNamed('garden')
  const said = [at('garden', 2), at('garden', 3), at('kitchen', 1), at('garden', 2, 10)]
  await v.say(v.device('alice'), kick({ all: true, chains: [{ channel: garden, chanSeq: 2 }] }))
  expect(said.map((h) => judged(story, h))).toEqual(['valid', 'removed', 'removed', 'removed'])
  // Of a channel that isn't named the number is what there is to go by, unless all are; and of removals at the same time the larger cut counts.
  await v.say(v.device('alice+phone'), kick({ all: false, chains: [{ channel: garden, chanSeq: 1 }] }))
  expect(said.map((h) => judged(story, h, 'alice+phone'))).toEqual(['removed', 'removed', 'valid', 'removed'])
  await story.tell('together')
  expect(said.map((h) => judged(story, h))).toEqual(['valid', 'removed', 'valid', 'removed'])
})

test('A26 a removal by an earlier version, which names numbers only, is judged by these', async () => {
  const story = await tell(MODERATED)
  const v = story.village, bob = v.device('bob')
  const late = { ...message(story, 'bob', { seq: 3 }), chanSeq: 100 }, later = { ...message(story, 'bob', { seq: 10 }), chanSeq: 101 }
  await v.say(v.device('alice'), { type: 'kick', identity: bob.identity, cuts: [{ device: bob.device, seq: 9, head: bob.last, authority: bob.last }] })
  expect([late, later].map((h) => judged(story, h))).toEqual(['valid', 'removed'])
})

test('A26 after a demotion, content beyond the cut is judged as if it had been seen', async () => {
  const story = await tell(`${MODERATED}
    alice overrides garden @everyone - send
    alice overrides garden @mod send -
  `)
  const bob = story.village.device('bob')
  const within = message(story, 'bob', { seq: bob.seq }), beyond = message(story, 'bob', { seq: bob.seq + 5 })
  const kitchen = message(story, 'bob', { seq: bob.seq + 5, channel: 'kitchen' })
  await story.tell(`
    alice takes mod bob
    alice opens kitchen
  `)
  expect(judged(story, within)).toBe('valid')
  expect(judged(story, beyond)).toBe('demoted')
  expect(judged(story, { ...kitchen, deps: story.village.device('alice').authority.heads() })).toBe('valid')
})

test('A27 content labelled before the end of a time-out does not count', async () => {
  const story = await tell(`${MODERATED}
    carol silences bob 5000 -> no-permission
    bob silences carol 5000
  `)
  expect(judged(story, message(story, 'carol', { hlc: 4999 * 1024 }))).toBe('timed-out')
  expect(judged(story, message(story, 'carol', { hlc: 5000 * 1024 }))).toBe('valid')
  await story.tell('bob silences carol 0')
  expect(judged(story, message(story, 'carol', { hlc: 4999 * 1024 }))).toBe('valid')
})

test('A28 an invite\'s end is compared with the label that the join carries, on every device alike', async () => {
  const v = new Village()
  const alice = v.device('alice'), bob = v.device('bob'), carol = v.device('carol')
  await v.say(alice, v.genesis(alice))
  await v.say(alice, v.invite('door', { expiresAt: 1000 }))
  await bob.hear(alice)
  await carol.hear(alice)
  const onTime = await v.say(bob, v.join(bob, 'door'), { hlc: 1000 * 1024 })
  const late = await v.say(carol, v.join(carol, 'door'), { hlc: 1000 * 1024 + 1 })
  await v.everyoneMeets()
  for (const device of [alice, bob, carol]) expect([why(device.authority, onTime), why(device.authority, late)]).toEqual(['valid', 'invite-expired'])
})

test('A29 roles have a limit', async () => {
  const v = new Village()
  const alice = v.device('alice')
  await v.say(alice, v.genesis(alice))
  const role = (i: number): AuthorityBody => ({ type: 'roleCreate', role: roleNamed(`r${i}`), name: `r${i}`, power: 1, permissions: 0 })
  for (let i = 1; i < MAX_ROLES; i++) await v.say(alice, role(i))
  expect(alice.authority.state.roles.size).toBe(MAX_ROLES)
  expect(alice.authority.refuse(alice.identity, role(MAX_ROLES))?.code).toBe('limit-reached')
})

test('A29 an act that would have to name more devices than its form holds is refused before it is made: whoever is not named would lose everything', async () => {
  const v = new Village()
  const alice = v.device('alice')
  await v.say(alice, v.genesis(alice))
  await v.say(alice, { type: 'roleCreate', role: roleNamed('gardeners'), name: 'gardeners', power: 1, permissions: 0 })
  const deletion = (devices: number): AuthorityBody => ({ type: 'roleDelete', role: roleNamed('gardeners'), cuts: cutsOfMany(devices) })
  expect(alice.authority.refuse(alice.identity, deletion(MAX_CUT_DEVICES))).toBeUndefined()
  expect(alice.authority.refuse(alice.identity, deletion(MAX_CUT_DEVICES + 1))).toEqual({ code: 'too-many-devices' })
  expect(refusal({ code: 'too-many-devices' })).toMatchObject({ code: 'limit-reached', message: expect.stringContaining('2,048') })
  // What no device could read is refused likewise, whatever is wrong with it.
  expect(alice.authority.refuse(alice.identity, { type: 'spaceRename', name: 'x'.repeat(65) })).toEqual({ code: 'malformed' })
})

/** Cuts as whoever deletes a role held on so many devices would make them, each naming an op. */
const cutsOfMany = (n: number): Cut[] => Array.from({ length: n }, (_, i) => ({ device: i.toString(16).padStart(64, '0') as DeviceId, seq: Number.MAX_SAFE_INTEGER, head: 'f'.repeat(64) as OpId, authority: 'f'.repeat(64) as OpId }))

test('A30 a void op is explained step by step down to the one that decided', async () => {
  const story = await tell(`${MODERATED}
    apart alice carol | bob erin
    bob makes helper 10 invite
    bob invites side
    erin joins side
    erin calls-herself E
    alice kicks bob
    together
    void erin: not-a-member
  `)
  const steps = story.village.device('carol').authority.explain(story.last.get('erin') as Op['id'])
  expect(steps.map((s) => [s.type, s.reason?.code])).toEqual([['profile', 'not-a-member'], ['join', 'unknown-invite'], ['invite', 'removed'], ['kick', undefined]])
  expect(story.village.device('carol').authority.explain(story.last.get('alice') as Op['id'])).toEqual([])
})

test('A30 a refused command says why, and which permission is missing', async () => {
  const story = await tell(MODERATED)
  const { authority, identity } = story.village.device('carol')
  expect(authority.refuse(identity, { type: 'channelDelete', channel: channelNamed('garden') })).toEqual({ code: 'no-permission', permission: 'channels' })
  expect(authority.refuse(story.village.device('zoe').identity, { type: 'leave' })).toEqual({ code: 'not-a-member' })
  expect(decodeAuthorityBody('leave', new Uint8Array([0x80]))).toEqual({ type: 'leave' })
})

test('A25 the same state is one object, and equal sets of ops have one hash', async () => {
  const story = await tell(MODERATED)
  const { authority } = story.village.device('alice')
  expect(authority.state).toBe(authority.state)
  expect((await anew(story)).stateHash()).toBe(authority.stateHash())
  expect(authority.state.roles.get(EVERYONE)?.power).toBe(0)
  expect(named('x')).not.toEqual(named('y'))
})

test('A18 found by chance (P5): an owner who weakens a role, an admin who removes the recoverer, and the recovery, all at once: the owner is there, so the owner’s word stands', async () => {
  const story = await tell(`${MODERATED}
    alice trusts 2 bob carol dave
    apart alice | bob | carol dave
  `)
  const v = story.village, alice = v.device('alice'), carol = v.device('carol')
  const set = story.last.get('alice') as Op['id']
  const recovery = await v.say(carol, v.recover(carol, set, v.device('dave'), [carol, v.device('dave')], alice.identity))
  const removal = await v.say(v.device('bob'), { type: 'kick', identity: carol.identity, cuts: v.cuts(v.device('bob'), carol.identity) })
  await v.say(alice, { type: 'rolePower', role: roleNamed('mod'), power: 1, cuts: v.cuts(alice, v.device('bob').identity) })
  await v.everyoneMeets()
  expect([recovery, removal].map((op) => why(alice.authority, op))).toEqual(['recovered', 'demoted'])
  await story.tell(`
    owner: alice
    members: alice bob carol dave
  `)
})

test('A33 how long things are kept is said by who shapes channels, and for all of them by who sets the frame; of two at once the one that keeps less', async () => {
  const story = await tell(`
    alice founds Home
    alice opens garden
    alice opens kitchen
    alice makes gardener 30 channels
    alice invites door
    bob joins door
    carol joins door
    alice gives gardener bob
    together
    bob keeps garden 30
  `)
  const v = story.village, bob = v.device('bob'), carol = v.device('carol'), alice = v.device('alice')
  const DAY = 24 * 3600_000
  expect(bob.authority.state.channels.get(channelNamed('garden'))?.keeping).toMatchObject({ afterMs: 30 * DAY, maxBytes: 0 })
  expect(bob.authority.refuse(bob.identity, { type: 'retention', channel: undefined, follows: false, afterMs: DAY, maxBytes: 0 })).toEqual({ code: 'no-permission', permission: 'space' })
  expect(carol.authority.refuse(carol.identity, { type: 'clear', channel: channelNamed('garden'), before: 5 })).toEqual({ code: 'no-permission', permission: 'channels' })
  for (const wrong of [{ follows: true, afterMs: DAY, maxBytes: 0 }, { follows: false, afterMs: 60_000, maxBytes: 0 }, { follows: false, afterMs: 0, maxBytes: 9 }]) {
    expect(alice.authority.refuse(alice.identity, { type: 'retention', channel: channelNamed('garden'), ...wrong })).toEqual({ code: 'malformed' })
  }
  expect(alice.authority.refuse(alice.identity, { type: 'retention', channel: undefined, follows: true, afterMs: 0, maxBytes: 0 })).toEqual({ code: 'malformed' })
  await story.tell(`
    together
    apart alice | bob
    alice keeps garden 0
    bob keeps garden 7
    alice clears garden 500
    bob clears garden 900
    alice keeps all 90
    together
    alice clears garden 300
    together
  `)
  for (const name of ['alice', 'bob', 'carol']) {
    const { state } = v.device(name).authority
    expect(state.channels.get(channelNamed('garden'))).toMatchObject({ keeping: { afterMs: 7 * DAY }, cleared: { before: 900 } })
    expect(state.channels.get(channelNamed('kitchen'))).toMatchObject({ keeping: undefined, cleared: undefined })
    expect(state.keeping).toMatchObject({ afterMs: 90 * DAY })
  }
  await story.tell('alice keeps garden follows')
  expect(alice.authority.state.channels.get(channelNamed('garden'))?.keeping).toBeUndefined()
})
