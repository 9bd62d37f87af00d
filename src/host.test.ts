import { describe, expect, test, vi } from 'vitest'
import type { Command } from './api.ts'
import type { Input, Step, Stepper, Tell } from './engine/input.ts'
import {
  type Host, MAX_WAITING_COMMANDS, MAX_WAITING_PER_SENDER, MUTE_MS, RESTART_AFTER_MS, startHost,
} from './host.ts'
import { type Disk, DiskError, type Mailbox, type MailboxEvent, type Network, type NetworkEvent, type Row, type TopicKey } from './ports.ts'

const LIST: Command = { type: 'list-spaces' }
const NOTHING: Step = { saves: [], reads: [], sends: [], wakes: [], tells: [] }
const PUT = { type: 'put', partition: 'p', key: new Uint8Array([1]), value: new Uint8Array([2]) } as const
const KEY: TopicKey = { topic: 'aa', seed: new Uint8Array(32) }
const RELAY = 'https://relay.example'

type Script = (input: Input, engine: number) => Partial<Step> | Promise<Partial<Step>>

/** A world that writes down, in order, all that the host does to it. */
function setUp(script: Script, diskFails: (save: number) => DiskError | undefined | Promise<undefined> = () => undefined, tidyingFails?: DiskError, withTally = false) {
  const log: string[] = []
  const seen: string[] = []
  const told: Tell[] = []
  let now = 1_000_000, engines = 0, saves = 0
  const timers = new Map<number, { at: number; fire: () => void }>()
  let nextTimer = 0
  let hearNetwork: (event: NetworkEvent) => void = () => {}
  let hearMailbox: (event: MailboxEvent) => void = () => {}
  const engine = (): Stepper => {
    const mine = ++engines
    return { step: async (input) => {
      seen.push(input.type === 'rows' ? `${mine}:rows ${input.tag} ${input.rows.length}` : `${mine}:${nameOf(input)}`)
      return { ...NOTHING, ...(await script(input, mine)) }
    } }
  }
  const disk: Disk = {
    async save(list) {
      const fails = diskFails(++saves), failure = fails instanceof Promise ? await fails : fails
      log.push(failure === undefined ? `save ${list.length}` : 'save fails')
      if (failure !== undefined) throw failure
    },
    async get() { return undefined },
    async range(partition): Promise<Row[]> { log.push(`read ${partition}`); return [{ key: new Uint8Array([1]), value: new Uint8Array([2]) }] },
    async size() { return 0 },
    async partitions() { return [] },
    async * copy() {},
    async compact() { log.push('compact'); if (tidyingFails !== undefined) throw tidyingFails; return false },
    async check() { if (tidyingFails !== undefined) throw tidyingFails; return [] },
    async mend() { log.push('mend'); return [] },
    async close() { log.push('close disk') },
  }
  const say = (line: string): void => { log.push(line) }
  const network: Network = {
    start: async (tell) => { hearNetwork = tell }, useRelays: (urls) => say(`use-relays ${urls.join()}`), dial: (peer) => say(`dial ${peer}`),
    hangUp: (peer) => say(`hang-up ${peer}`), send: (peer) => say(`frame ${peer}`), subscribe: (topic) => say(`subscribe ${topic}`),
    unsubscribe: (topic) => say(`unsubscribe ${topic}`), publish: (topic) => say(`publish ${topic}`), stop: async () => say('stop network'),
  }
  const mailbox: Mailbox = {
    start: async (tell) => { hearMailbox = tell }, watch: (_relay, key, since) => say(`watch ${key.topic} ${since}`), unwatch: (_relay, topic) => say(`unwatch ${topic}`),
    post: (_relay, _key, id) => say(`post ${id}`), announce: () => say('announce'), compare: (_relay, key) => say(`compare ${key.topic}`), stop: async () => say('stop mailbox'),
  }
  const tally = { read: async () => { say('read tally'); return Uint8Array.of(9) }, write: async ([first]: Uint8Array) => { say(`tally ${first}`) } }
  const host: Host = startHost({
    engine, disk, network, mailbox, ...(withTally ? { tally } : {}), clock: { now: () => now },
    timers: { set: (at, fire) => { timers.set(++nextTimer, { at, fire }); return nextTimer }, clear: (handle) => void timers.delete(handle as number) },
    tell: (tell) => { told.push(tell); log.push(`tell ${tell.type === 'reply' ? `${tell.reply.id} ${tell.reply.ok ? 'ok' : tell.reply.error.code}` : tell.update.type}`) },
  })
  const advance = async (ms: number): Promise<void> => {
    now += ms
    for (const [handle, timer] of [...timers].sort((a, b) => a[1].at - b[1].at)) if (timer.at <= now && timers.delete(handle)) timer.fire()
    await host.idle()
  }
  /** Timers run by another clock: all fire after so many ms, whatever people have done to this one. */
  const early = (ms: number): Promise<void> => { now += ms; for (const [handle, { fire }] of [...timers]) if (timers.delete(handle)) fire(); return host.idle() }
  return { host, log, seen, told, advance, early, hear: (event: NetworkEvent) => hearNetwork(event), hearRelay: (event: MailboxEvent) => hearMailbox(event), engines: () => engines }
}

function nameOf(input: Input): string {
  switch (input.type) {
    case 'command': return `command ${input.id}`
    case 'frame': return `frame ${input.peer} ${input.bytes[0]}`
    case 'timer': return `timer ${input.tag}`
    case 'compacted': case 'checked': return input.failed === true ? `${input.type} failed` : input.type
    case 'peer-up': case 'peer-down': return `${input.type} ${input.peer}`
    default: return input.type
  }
}

const frame = (peer: string, first = 0): NetworkEvent => ({ type: 'frame', peer, bytes: new Uint8Array([first]) })
const up = (peer: string): NetworkEvent => ({ type: 'peer-up', peer, path: 'direct' })
const parcels = (next: number): MailboxEvent => ({ type: 'parcels', relay: RELAY, topic: KEY.topic, parcels: [{ cursor: next, bytes: new Uint8Array([1]) }], next, end: true })
const answer = (input: Input): Tell[] =>
  input.type === 'command' ? [{ type: 'reply', client: input.client, reply: { id: input.id, ok: true, result: { spaces: [] } } }] : []

describe('the order of a step', () => {
  test('what a step saves is on disk before anything is sent, and sent before anyone is told', async () => {
    const world = setUp((input) => (input.type !== 'command' ? {} : {
      saves: [PUT, PUT], reads: [{ tag: 'r', partition: 'p', query: { limit: 1 } }], sends: [{ type: 'publish', topic: 't', bytes: new Uint8Array() }], tells: answer(input),
    }))
    await world.host.idle()
    world.host.command(1, 7, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['save 2', 'read p', 'publish t', 'tell 7 ok'])
  })

  test('the tally is read before the first step, and written when the disk has what it counts, before anything is sent', async () => {
    let found: Uint8Array | undefined
    const world = setUp((input) => {
      if (input.type === 'start') found = input.tally
      return input.type !== 'command' ? {} : { saves: [PUT], tally: Uint8Array.of(5), sends: [{ type: 'publish', topic: 't', bytes: new Uint8Array() }] }
    }, (save) => (save === 2 ? new DiskError('full', 'full') : undefined), undefined, true)
    world.host.command(1, 7, LIST)
    await world.host.idle()
    expect(found).toEqual(Uint8Array.of(9))
    expect(world.log).toEqual(['read tally', 'save 1', 'tally 5', 'publish t'])
    world.log.length = 0
    world.host.command(1, 8, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['save fails', 'tell 7 disk-full', 'tell 8 disk-full', 'read tally'])
  })

  test('rows come before everything that waits, in the order asked, and their own reads before the rest', async () => {
    const read = (tag: string) => ({ tag, partition: 'p', query: { limit: 1 } })
    const world = setUp((input) => {
      if (input.type === 'command' && input.id === 1) return { reads: [read('a'), read('b')] }
      return input.type === 'rows' && input.tag === 'a' ? { reads: [read('a2')] } : {}
    })
    world.host.command(1, 1, LIST)
    world.host.command(1, 2, LIST)
    await world.host.idle()
    expect(world.seen).toEqual(['1:start', '1:command 1', '1:rows a 1', '1:rows a2 1', '1:rows b 1', '1:command 2'])
  })

  test('one step ends before the next begins', async () => {
    let inside = 0
    const world = setUp(async () => {
      expect(++inside).toBe(1)
      await Promise.resolve()
      inside--
      return { saves: [PUT] }
    })
    for (let id = 1; id <= 5; id++) world.host.command(1, id, LIST)
    await world.host.idle()
    expect(world.seen).toHaveLength(6)
  })

  test('of frames that came together the next is worked on while the rows of one are written, and sends and tells nothing before both are on disk', async () => {
    const world = setUp((input) => (input.type !== 'frame' ? {} : { saves: [PUT], sends: [{ type: 'publish', topic: `${input.bytes[0]}`, bytes: new Uint8Array() }] }))
    await world.host.idle()
    world.hear(up('bob'))
    for (const n of [1, 2, 3]) world.hear(frame('bob', n))
    await world.host.idle()
    expect(world.log).toEqual([1, 2, 3].flatMap((n) => ['save 1', `publish ${n}`]))
    world.log.length = 0
    let during: readonly string[] = []
    const slow = setUp((input) => (input.type !== 'frame' ? {} : { saves: [PUT] }), () => { during = [...slow.seen]; return undefined })
    await slow.host.idle()
    slow.hear(up('bob'))
    for (const n of [1, 2]) slow.hear(frame('bob', n))
    slow.host.command(1, 1, LIST)
    await slow.host.idle()
    expect(slow.seen.indexOf('1:command 1'), 'and a person comes first').toBeLessThan(slow.seen.indexOf('1:frame bob 1'))
    expect(during).toContain('1:frame bob 2')
  })

  test('while the disk is slow a few more frames are worked on, and what they have to save is written together, each sent for in its turn', async () => {
    let free: () => void = () => {}
    const slow = new Promise<undefined>((resolve) => { free = () => resolve(undefined) })
    const world = setUp((input) => (input.type !== 'frame' ? {} : { saves: [PUT], sends: [{ type: 'publish', topic: `${input.bytes[0]}`, bytes: new Uint8Array() }] }), (save) => (save === 1 ? slow : undefined))
    await world.host.idle()
    world.hear(up('bob'))
    for (const n of [1, 2, 3, 4, 5, 6]) world.hear(frame('bob', n))
    await vi.waitFor(() => expect(world.seen).toContain('1:frame bob 5'))
    expect(world.seen, 'no more than that').not.toContain('1:frame bob 6')
    expect(world.log).toEqual([])
    free()
    await world.host.idle()
    expect(world.log).toEqual(['save 1', 'publish 1', 'save 4', ...[2, 3, 4, 5].map((n) => `publish ${n}`), 'save 1', 'publish 6'])
  })

  test('what was worked on while rows were written goes with the engine when they could not be', async () => {
    const world = setUp((input) => (input.type !== 'frame' ? {} : { saves: [PUT], sends: [{ type: 'publish', topic: `${input.bytes[0]}`, bytes: new Uint8Array() }] }),
      (save) => (save === 2 ? new DiskError('full', 'No more room.') : undefined))
    await world.host.idle()
    world.hear(up('bob'))
    for (const n of [1, 2, 3]) world.hear(frame('bob', n))
    await world.host.idle()
    expect(world.log).toEqual(['save 1', 'publish 1', 'save fails', 'hang-up bob'])
    expect(world.engines()).toBe(2)
  })

  test('a step that breaks takes nothing of the one before with it', async () => {
    const world = setUp((input) => {
      if (input.type === 'frame' && input.bytes[0] === 2) throw new Error('broken')
      return input.type !== 'frame' ? {} : { saves: [PUT], sends: [{ type: 'publish', topic: `${input.bytes[0]}`, bytes: new Uint8Array() }] }
    })
    await world.host.idle()
    world.hear(up('bob'))
    for (const n of [1, 2]) world.hear(frame('bob', n))
    await world.host.idle()
    expect(world.log).toEqual(['save 1', 'publish 1', 'hang-up bob'])
  })

  test('a person does not wait behind strangers', async () => {
    const world = setUp(() => ({}))
    await world.host.idle()
    world.hear(up('bob'))
    for (let i = 0; i < 5; i++) world.hear(frame('bob', i))
    world.host.command(1, 1, LIST)
    await world.host.idle()
    expect(world.seen.indexOf('1:command 1')).toBeLessThan(world.seen.indexOf('1:frame bob 1'))
  })

  test('no send reaches a network that has not started', async () => {
    const world = setUp((input) => (input.type === 'start' ? { sends: [{ type: 'use-relays', urls: [RELAY] }, { type: 'watch', relay: RELAY, key: KEY, since: 3 }] } : {}))
    expect(world.log).toEqual([])
    await world.host.idle()
    expect(world.log).toEqual(['use-relays https://relay.example', 'watch aa 3'])
  })
})

describe('wakes', () => {
  test('come back as timers, once; the same tag replaces, Infinity cancels', async () => {
    const world = setUp((input) => {
      const at = (tag: string, ms: number) => ({ tag, at: 1_000_000 + ms })
      if (input.type === 'start') return { wakes: [at('a', 10), at('b', 10), at('c', 10)] }
      return input.type === 'command' ? { wakes: [at('a', 20), { tag: 'b', at: Infinity }] } : {}
    })
    world.host.command(1, 1, LIST)
    await world.host.idle()
    await world.advance(10)
    expect(world.seen.slice(2)).toEqual(['1:timer c'])
    await world.advance(10)
    await world.advance(100)
    expect(world.seen.slice(2)).toEqual(['1:timer c', '1:timer a'])
  })

  test('a wake that fired but waits its turn is replaced as well', async () => {
    const world = setUp((input) => {
      if (input.type === 'start') return { wakes: [{ tag: 'a', at: 1_000_010 }] }
      return input.type === 'command' ? { wakes: [{ tag: 'a', at: 1_000_500 }] } : {}
    })
    await world.host.idle()
    world.host.command(1, 1, LIST)
    await world.advance(10)
    expect(world.seen).toEqual(['1:start', '1:command 1'])
    await world.advance(490)
    expect(world.seen).toEqual(['1:start', '1:command 1', '1:timer a'])
  })

  test('come in their time where the clock is set back meanwhile, and not before where a timer is early', async () => {
    const world = setUp((input) => (input.type === 'start' ? { wakes: [{ tag: 'soon', at: 1_010_000 }] } : {}))
    await world.host.idle()
    await world.early(4000)
    expect(world.seen).not.toContain('1:timer soon')
    await world.early(6000 - 365 * 24 * 3600_000)
    expect(world.seen).toContain('1:timer soon')
  })
})

describe('when a step fails', () => {
  const sending: Script = (input) => (input.type === 'command' ? { saves: [PUT], sends: [{ type: 'publish', topic: 't', bytes: new Uint8Array() }], tells: answer(input) } : {})

  test('a save that fails sends nothing, tells the asker, and another engine starts from the disk', async () => {
    const world = setUp(sending, (save) => (save === 1 ? new DiskError('failed', 'no') : undefined))
    world.host.command(1, 1, LIST)
    world.host.command(1, 2, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['save fails', 'tell 1 disk-failed', 'save 1', 'publish t', 'tell 2 ok'])
    expect(world.seen).toEqual(['1:start', '1:command 1', '2:start', '2:command 2'])
  })

  test('a damaged disk is mended before another engine reads it', async () => {
    const world = setUp(sending, (save) => (save === 1 ? new DiskError('corrupt', 'A page is damaged.') : undefined))
    world.host.command(1, 1, LIST)
    world.host.command(1, 2, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['save fails', 'tell 1 disk-failed', 'mend', 'save 1', 'publish t', 'tell 2 ok'])
    expect(world.seen).toEqual(['1:start', '1:command 1', '2:start', '2:command 2'])
  })

  test('a full check goes on beside other inputs, and tells the engine that asked for it', async () => {
    const world = setUp((input) => (input.type === 'command' ? { reads: [{ tag: 'check', check: true }], tells: answer(input) } : {}))
    world.host.command(1, 1, LIST)
    await world.host.idle()
    await Promise.resolve()
    await world.host.idle()
    expect(world.seen).toEqual(['1:start', '1:command 1', '1:checked'])
  })

  test('a check and a tidying that the disk can’t do are told as failed, and nothing begins anew', async () => {
    const world = setUp((input) => (input.type === 'command' ? { reads: [{ tag: 'check', check: true }, { tag: 'tidy', compact: true }], tells: answer(input) } : {}), undefined, new DiskError('failed', 'no'))
    world.host.command(1, 1, LIST)
    await world.host.idle()
    await Promise.resolve()
    await world.host.idle()
    expect(world.seen).toEqual(['1:start', '1:command 1', '1:compacted failed', '1:checked failed'])
  })

  test('a full disk is called by its name', async () => {
    const world = setUp(sending, () => new DiskError('full', 'quota'))
    world.host.command(1, 1, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['save fails', 'tell 1 disk-full'])
  })

  test('commands that the dropped engine had taken are answered, each once', async () => {
    const world = setUp((input) => {
      if (input.type === 'command' && input.id === 2) throw new Error('assertion')
      return {}
    })
    world.host.command(1, 1, { type: 'join', link: 'x' })
    world.host.command(2, 2, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['tell 1 internal', 'tell 2 internal'])
  })

  test('an answer for someone who was told of the failure already is dropped', async () => {
    const world = setUp((input, engine) => {
      if (input.type === 'command') throw new Error('assertion')
      return engine === 2 ? { tells: [{ type: 'reply', client: 1, reply: { id: 1, ok: true, result: { spaces: [] } } }] } : {}
    })
    world.host.command(1, 1, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['tell 1 internal'])
  })

  test('the next engine is told of the world again, and sessions of the last one end', async () => {
    const world = setUp((input, engine) => {
      if (input.type === 'start') return { sends: [{ type: 'watch', relay: RELAY, key: KEY, since: 3 }, { type: 'subscribe', topic: 't' }] }
      if (input.type === 'command') throw new Error('assertion')
      return input.type === 'self' && engine === 1 ? { wakes: [{ tag: 'old', at: 1_000_010 }] } : {}
    })
    await world.host.idle()
    world.hear({ type: 'self', peer: 'me', addresses: [] })
    world.hearRelay({ type: 'relay-up', relay: RELAY })
    world.hear(up('bob'))
    await world.host.idle()
    world.log.length = world.seen.length = 0
    world.hear(frame('bob', 1))
    world.hear(up('carol'))
    world.host.command(1, 1, LIST)
    await world.host.idle()
    await world.advance(10)
    // Bob's connection, and Carol's that no engine has heard of, both start over with a new hello.
    expect(world.log).toEqual(['tell 1 internal', 'hang-up bob', 'hang-up carol', 'unsubscribe t', 'unwatch aa', 'watch aa 3', 'subscribe t'])
    expect(world.seen.slice(-3)).toEqual(['2:start', '2:self', '2:relay-up'])
  })

  test('frames of a connection that was hung up do not reach the next engine', async () => {
    const world = setUp((input) => { if (input.type === 'command') throw new Error('assertion'); return {} })
    await world.host.idle()
    world.hear(up('bob'))
    await world.host.idle()
    world.host.command(1, 1, LIST)
    await world.host.idle()
    world.hear(frame('bob'))
    world.hear({ type: 'peer-down', peer: 'bob' })
    await world.host.idle()
    expect(world.seen.filter((line) => line.startsWith('2:'))).toEqual(['2:start'])
  })

  test('whoever sent what broke a step is not listened to for a while, longer each time', async () => {
    const world = setUp((input) => { if (input.type === 'frame' && input.bytes[0] === 66) throw new Error('assertion'); return {} })
    await world.host.idle()
    const breaks = async (): Promise<void> => { world.hear(up('mallory')); world.hear(frame('mallory', 66)); world.hear({ type: 'peer-down', peer: 'mallory' }); await world.host.idle() }
    await breaks()
    expect(world.engines()).toBe(2)
    await breaks()
    world.hear(up('bob'))
    world.hear(frame('bob', 1))
    await world.host.idle()
    expect(world.engines()).toBe(2)
    expect(world.seen).toContain('2:frame bob 1')
    expect(world.seen).not.toContain('2:peer-up mallory')
    await world.advance(MUTE_MS + 1)
    await breaks()
    expect(world.engines()).toBe(3)
    await world.advance(MUTE_MS + 1)
    await breaks()
    expect(world.engines()).toBe(3)
  })

  test("a relay's topic that broke a step is read again later, from where the engine is then", async () => {
    const world = setUp((input) => {
      if (input.type === 'start') return { sends: [{ type: 'watch', relay: RELAY, key: KEY, since: 3 }] }
      if (input.type === 'parcels' && input.next === 5) throw new Error('assertion')
      return {}
    })
    await world.host.idle()
    world.hearRelay(parcels(4))
    world.hearRelay(parcels(5))
    world.hearRelay(parcels(6))
    await world.host.idle()
    world.hearRelay(parcels(7))
    await world.host.idle()
    expect(world.seen).toEqual(['1:start', '1:parcels', '1:parcels', '2:start'])
    world.log.length = 0
    await world.advance(MUTE_MS + 1)
    expect(world.log).toEqual(['watch aa 3'])
  })

  test('restarts in a row come ever later, and waiting commands are answered when nothing starts', async () => {
    const world = setUp(() => { throw new Error('assertion') })
    world.host.command(1, 1, LIST)
    await world.host.idle()
    expect(world.log).toEqual(['tell 1 internal'])
    expect(world.engines()).toBe(3)
    await world.advance(RESTART_AFTER_MS - 1)
    expect(world.engines()).toBe(3)
    await world.advance(1)
    expect(world.engines()).toBe(4)
    await world.advance(RESTART_AFTER_MS)
    expect(world.engines()).toBe(4)
    world.host.command(1, 2, LIST)
    await world.advance(RESTART_AFTER_MS)
    expect(world.engines()).toBe(5)
    expect(world.log).toEqual(['tell 1 internal', 'tell 2 internal'])
  })

  test('a client that throws when told costs nobody anything', async () => {
    const world = setUp((input) => ({ tells: answer(input) }))
    const push = world.told.push.bind(world.told)
    world.told.push = () => { world.told.push = push; throw new Error('port closed') }
    world.host.command(1, 1, LIST)
    world.host.command(1, 2, LIST)
    await world.host.idle()
    expect(world.engines()).toBe(1)
    expect(world.log).toEqual(['tell 2 ok'])
  })
})

describe('bounds', () => {
  test('beyond so many waiting commands, the answer is busy', async () => {
    const world = setUp((input) => ({ tells: answer(input) }))
    for (let id = 0; id <= MAX_WAITING_COMMANDS; id++) world.host.command(1, id, LIST)
    expect(world.log).toEqual([`tell ${MAX_WAITING_COMMANDS} busy`])
    await world.host.idle()
    expect(world.log.filter((line) => line.endsWith('ok'))).toHaveLength(MAX_WAITING_COMMANDS)
  })

  test('a peer that floods us is hung up on, the others are heard', async () => {
    const world = setUp(() => ({}))
    await world.host.idle()
    world.hear(up('mallory'))
    world.hear(up('bob'))
    for (let i = 0; i < MAX_WAITING_PER_SENDER + 5; i++) world.hear(frame('mallory', i % 256))
    world.hear(frame('bob', 7))
    await world.host.idle()
    expect(world.log).toContain('hang-up mallory')
    expect(world.log).not.toContain('hang-up bob')
    expect(world.seen.filter((line) => line.startsWith('1:frame mallory')).length).toBeLessThan(MAX_WAITING_PER_SENDER + 1)
    expect(world.seen).toContain('1:frame bob 7')
  })

  test('a relay that floods us is read again from where the engine has got to, without a hole', async () => {
    const world = setUp((input) => (input.type === 'start' ? { sends: [{ type: 'watch', relay: RELAY, key: KEY, since: 0 }] } : {}))
    await world.host.idle()
    world.hearRelay(parcels(1))
    await world.host.idle()
    for (let next = 2; next < MAX_WAITING_PER_SENDER + 5; next++) world.hearRelay(parcels(next))
    await world.host.idle()
    const read = world.seen.filter((line) => line === '1:parcels').length
    world.log.length = 0
    await world.advance(MUTE_MS + 1)
    expect(world.log).toEqual([`watch aa ${read}`])
  })
})

describe('the end', () => {
  test('stopping ends the running step, answers who waits, and closes everything', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => { release = resolve })
    const world = setUp(async (input) => {
      if (input.type === 'command') await held
      return { saves: [PUT], wakes: [{ tag: 'later', at: 2_000_000 }], tells: answer(input) }
    })
    world.host.command(1, 1, LIST)
    world.host.command(1, 2, LIST)
    while (!world.seen.includes('1:command 1')) await Promise.resolve()
    world.log.length = 0
    const stopped = world.host.stop()
    release()
    await stopped
    world.host.command(1, 3, LIST)
    expect(world.log).toEqual(['save 1', 'tell 1 ok', 'tell 2 busy', 'stop network', 'stop mailbox', 'close disk', 'tell 3 busy'])
    await world.advance(2_000_000)
    expect(world.seen.some((line) => line.includes('timer'))).toBe(false)
  })

  test('a client that is gone is forgotten after its last command', async () => {
    const world = setUp(() => ({}))
    world.host.command(1, 1, { type: 'join', link: 'x' })
    world.host.clientGone(1)
    await world.host.idle()
    expect(world.seen).toEqual(['1:start', '1:command 1', '1:client-gone'])
    await world.host.stop()
    expect(world.told).toEqual([])
  })
})
