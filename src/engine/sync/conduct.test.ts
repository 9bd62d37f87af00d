/** How misbehaviour is counted, and what it costs: with Mallory, who sends Alice what no honest app would. */
import { describe, expect, test } from 'vitest'
import type { MemberInfo, StatusInfo } from '../../api.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { encodeGroupBody } from '../../wire/group.ts'
import { decodeFrame, MAX_FRAME_PAYLOAD } from '../../wire/frame.ts'
import type { EpochId, SpaceId } from '../../wire/ids.ts'
import type { Op, OpHeader } from '../../wire/op.ts'
import { FORGIVE_MUTES_MS, FORGIVE_POINT_MS, MAX_JUDGED, MAX_PEER_MUTE_MS, MUTE_AT_POINTS, PEER_MUTE_MS, REQUEST_BURST } from '../limits.ts'
import type { Input } from '../input.ts'
import type { Person } from '../engines.test-support.ts'
import { Out } from '../out.ts'
import { asPeer, Conduct, type Fault, Requests } from './conduct.ts'
import { home, type Home, sendBytes, sendFrame, sendHello, sendOps, sessionToken, signMessage, signMessages, signRule, unsigned, view } from './mallory.test-support.ts'

const mallory = asPeer('mallory')
/** Broken frames until one is muted. */
const ENOUGH = MUTE_AT_POINTS / 20

describe('counting', () => {
  const muteOnce = (conduct: Conduct, now: number): void => { for (let n = 0; n < ENOUGH; n++) conduct.count(mallory, 'malformed', now) }

  test('S6 a few faults are nothing, many in a short time are a mute, and it ends', () => {
    const conduct = new Conduct()
    for (let n = 1; n < ENOUGH; n++) expect(conduct.count(mallory, 'malformed', 0)).toBe(false)
    expect(conduct.count(mallory, 'malformed', 0)).toBe(true)
    expect(conduct.isMuted(mallory, PEER_MUTE_MS - 1)).toBe(true)
    expect(conduct.mutes(1)).toEqual([{ who: mallory, until: PEER_MUTE_MS, fault: 'malformed' }])
    expect(conduct.isMuted(mallory, PEER_MUTE_MS)).toBe(false)
    expect(conduct.mutes(PEER_MUTE_MS)).toEqual([])
  })

  test('S6 faults that come slowly are forgiven as they come', () => {
    const conduct = new Conduct()
    for (let n = 0; n < 1000; n++) expect(conduct.count(mallory, 'malformed', n * 20 * FORGIVE_POINT_MS)).toBe(false)
    for (let n = 0; n < 1000; n++) expect(conduct.count(mallory, 'greedy', 1e9 + n * FORGIVE_POINT_MS)).toBe(false)
  })

  test('S6 each mute is twice as long as the one before, up to a limit, until a long time was quiet', () => {
    const conduct = new Conduct()
    let now = 0
    for (let n = 0; n < 12; n++) {
      muteOnce(conduct, now)
      const until = conduct.mutes(now)[0]?.until ?? 0
      expect(until - now).toBe(Math.min(PEER_MUTE_MS * 2 ** n, MAX_PEER_MUTE_MS))
      now = until
    }
    now += FORGIVE_MUTES_MS + 1
    muteOnce(conduct, now)
    expect(conduct.mutes(now)[0]?.until).toBe(now + PEER_MUTE_MS)
  })

  test('S6 a clock that was set back a year makes no mute last a year', () => {
    const conduct = new Conduct()
    const year = 365 * 24 * 3600_000
    muteOnce(conduct, year)
    expect(conduct.isMuted(mallory, 0)).toBe(false)
  })

  test('S6 ten thousand strangers take no more memory than the limit, and give no one who is muted his voice back', () => {
    const conduct = new Conduct()
    muteOnce(conduct, 0)
    for (let n = 0; n < 10_000; n++) conduct.count(asPeer(`stranger ${n}`), 'malformed', n)
    expect(conduct.isMuted(mallory, 10_000)).toBe(true)
    expect((conduct as unknown as { standings: Map<string, unknown> }).standings.size).toBe(MAX_JUDGED)
  })

  test('S7 requests have a burst and a rate', () => {
    const requests = new Requests()
    expect(requests.take(REQUEST_BURST, 0)).toBe(true)
    expect(requests.take(1, 0)).toBe(false)
    expect(requests.take(50, 1000)).toBe(true)
    expect(requests.take(1, 1000)).toBe(false)
    expect(requests.take(REQUEST_BURST + 1, 1e9)).toBe(false)
  })
})

describe('a peer who misbehaves', () => {
  const status = async (h: Home, person: Person): Promise<StatusInfo> => h.room.ask(person, { type: 'status' })
  const JUNK = new Uint8Array([0xff, 1, 2, 3])

  test('S6 is muted, hung up on and told of; what it still sends is not read; what it says honestly comes by others', async () => {
    const h = await home()
    const { device } = h.mallory.space(h.space).me
    expect((await status(h, h.alice)).peers.map((p) => p.name)).toContain('Mallory')
    for (let n = 0; n < ENOUGH; n++) sendBytes(h.mallory, h.alice, JUNK)
    await h.room.pass(10)
    const { peers, muted } = await status(h, h.alice)
    expect(peers.map((p) => p.name)).not.toContain('Mallory')
    expect(muted).toMatchObject([{ peer: h.mallory.peer, fault: 'malformed' }, { device, name: 'Mallory', fault: 'malformed' }])
    expect((await status(h, h.bob)).muted).toEqual([])

    await h.room.ask(h.mallory, { type: 'send-message', space: h.space, channel: h.channel, text: 'Still here' })
    await h.room.pass(1000)
    const { messages } = await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })
    expect(messages.map((m) => m.text)).toEqual(['Still here'])
    expect(view(h.alice, h.space)).toEqual(view(h.bob, h.space))
  })

  test('S6 comes back by another connection in vain, and is met again when the time is over', async () => {
    const h = await home()
    for (let n = 0; n < ENOUGH; n++) sendBytes(h.mallory, h.alice, JUNK)
    await h.room.pass(10)
    h.alice.queue.push({ type: 'peer-up', peer: h.mallory.peer, path: 'direct' })
    h.mallory.queue.push({ type: 'peer-down', peer: h.alice.peer })
    await h.room.pass(30_000)
    expect((await status(h, h.alice)).peers.map((p) => p.name).sort()).toEqual(['Bob', 'Carol'])
    await h.room.pass(PEER_MUTE_MS)
    expect((await status(h, h.alice)).peers.map((p) => p.name).sort()).toEqual(['Bob', 'Carol', 'Mallory'])
    expect((await status(h, h.alice)).muted).toEqual([])
  })

  test('S6 whom somebody hangs up on before a word is said doesn’t dial again at once, and again', async () => {
    const h = await home()
    const dials = async (input: Input): Promise<number> => (await h.bob.engine.step(input, h.room.now)).sends.filter((send) => send.type === 'dial').length
    expect(await dials({ type: 'peer-down', peer: h.alice.peer })).toBe(1)
    expect(await dials({ type: 'peer-up', peer: h.alice.peer, path: 'direct' })).toBe(0)
    expect(await dials({ type: 'peer-down', peer: h.alice.peer })).toBe(0)
  })

  const rename = encodeAuthorityBody({ type: 'profile', name: 'Mal' })
  const rule = (h: Home, change: Partial<OpHeader> = {}): Promise<Op> => signRule(h.mallory.space(h.space), 'profile', rename, h.room.now, change)
  const FAULTS: { readonly [F in Fault]: (h: Home) => Promise<void> | void } = {
    malformed: (h) => sendFrame(h.mallory, h.alice, { type: 'ops', token: sessionToken(h.mallory, h.alice, h.space), ops: [JUNK], more: true }),
    oversized: (h) => sendBytes(h.mallory, h.alice, new Uint8Array(MAX_FRAME_PAYLOAD + 1)),
    foreign: async (h) => sendOps(h.mallory, h.alice, h.space, [await rule(h, { space: 'ee'.repeat(32) as SpaceId })]),
    forged: async (h) => sendOps(h.mallory, h.alice, h.space, [unsigned(await rule(h))]),
    contradictory: async (h) => sendOps(h.mallory, h.alice, h.space, [await rule(h, { seq: 50, chanSeq: 40 })]),
    untrue: async (h) => {
      const under = h.mallory.space(h.space).groups.tip() as EpochId
      sendOps(h.mallory, h.alice, h.space, [await signRule(h.mallory.space(h.space), 'bundle', encodeGroupBody({ type: 'bundle', under, secrets: [{ epoch: under, sealed: new Uint8Array(72) }] }), h.room.now)])
    },
    unasked: (h) => sendFrame(h.mallory, h.alice, { type: 'tree', token: sessionToken(h.mallory, h.alice, h.space), tree: new Uint8Array(100) }),
    greedy: (h) => { for (let n = 0; n < 20; n++) sendFrame(h.mallory, h.alice, { type: 'hello', spaces: [] }) },
  }

  test.each(Object.entries(FAULTS))('S6 %s counts', async (fault, send) => {
    const h = await home()
    for (let n = 0; n < 200 && (await status(h, h.alice)).muted.length === 0; n++) { await send(h); await h.room.pass(1) }
    expect((await status(h, h.alice)).muted[0]?.fault).toBe(fault)
  })

  test('S6 linked messages that no signature ever vouches for count once for each answer', async () => {
    const h = await home()
    const said = (await signMessages(h.mallory.space(h.space), h.channel, ['One', 'Two', 'Three'], h.room.now)).map(unsigned)
    for (let n = 0; n < MUTE_AT_POINTS / 10; n++) {
      expect((await status(h, h.alice)).muted).toEqual([])
      sendOps(h.mallory, h.alice, h.space, said, false)
    }
    expect((await status(h, h.alice)).muted[0]?.fault).toBe('forged')
    expect(h.alice.space(h.space).receiving.unprovenBytes).toBe(0)
  })

  test('S6 what honest peers may pass on in good faith is no fault: void ops, early ones, old ones, and frames of an ended session', async () => {
    const h = await home()
    const replica = h.mallory.space(h.space), now = h.room.now
    const unpermitted = await signRule(replica, 'spaceRename', encodeAuthorityBody({ type: 'spaceRename', name: 'Mine' }), now)
    const early = await signMessage(replica, h.channel, 'Later', now, { seq: 50, chanSeq: 9, chanPrev: 'ee'.repeat(32) as typeof unpermitted.id })
    const known = [...h.alice.space(h.space).log.authority.values()]
    for (let n = 0; n < 30; n++) {
      sendOps(h.mallory, h.alice, h.space, [unpermitted, early, ...known])
      sendFrame(h.mallory, h.alice, { type: 'ops', token: new Uint8Array(16), ops: [], more: true })
    }
    await h.room.pass(100)
    expect((await status(h, h.alice)).muted).toEqual([])
    expect(h.alice.space(h.space).authority.verdict(unpermitted.id).type).toBe('void')
    expect(h.alice.space(h.space).log.parked.count).toBe(1)
  })

  test('S6 a tree that was asked for before the relay key changed may come after it', async () => {
    const h = await home()
    const tree = new Uint8Array(100), turn = { now: h.room.now, out: new Out() }
    const { member } = (await h.room.ask(h.alice, { type: 'list-members', space: h.space })).members.find(({ name }) => name === 'Carol') as MemberInfo
    h.alice.engine.peers.askTrees(turn, h.alice.space(h.space), [h.alice.engine.world.suite.sha256(tree)])
    await h.room.carryOut(h.alice, turn.out.step())
    const before = sessionToken(h.mallory, h.alice, h.space)
    await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member })
    await h.room.pass(5000)
    expect(sessionToken(h.mallory, h.alice, h.space)).not.toEqual(before)
    for (let n = 0; n < MUTE_AT_POINTS; n++) sendFrame(h.mallory, h.alice, { type: 'tree', token: sessionToken(h.mallory, h.alice, h.space), tree })
    expect((await status(h, h.alice)).muted).toEqual([])
  })

  test('S6 two who know of different relay keys greet each other once for each, and not for ever', async () => {
    const h = await home()
    const { member } = (await h.room.ask(h.alice, { type: 'list-members', space: h.space })).members.find(({ name }) => name === 'Carol') as MemberInfo
    await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member })
    await h.room.pass(5000)
    let hellos = 0
    h.room.seesFrame = (bytes, from, to) => { if (from === h.alice && to === h.mallory && decodeFrame(bytes)?.type === 'hello') hellos++ }
    for (let n = 0; n < 20; n++) {
      await sendHello(h.mallory, h.alice, h.space, n % 2)
      await h.room.pass(100)
    }
    expect(hellos).toBeLessThanOrEqual(2)
    const said = await rule(h)
    sendFrame(h.mallory, h.alice, { type: 'ops', token: sessionToken(h.mallory, h.alice, h.space, 1), ops: [said.bytes], more: true })
    await h.room.pass(100)
    expect(h.alice.space(h.space).log.authority.has(said.id)).toBe(true)
  })
})
