import { describe, expect, test } from 'vitest'
import type { ApiError, Command, Reply, Result } from '../api.ts'
import type { Input, Step } from '../engine/input.ts'
import type { Disk, Mailbox, Network } from '../ports.ts'
import { utf8 } from '../wire/bytes.ts'
import { type Peer, startPeer } from './peer.ts'

const nothing = (): void => {}
const NETWORK: Network = {
  start: async () => {}, useRelays: nothing, dial: nothing, hangUp: nothing, send: nothing, subscribe: nothing, unsubscribe: nothing, publish: nothing, stop: async () => {},
}
const MAILBOX: Mailbox = { start: async () => {}, watch: nothing, unwatch: nothing, post: nothing, announce: nothing, compare: nothing, stop: async () => {} }

const isError = (given: Result | ApiError): given is ApiError => 'code' in given

/** A peer over an engine that remembers what it was asked and answers from a table. */
function setUp(answer: (command: Command) => Result | ApiError = () => ({ spaces: [] }), name = 'Alice', known?: string) {
  const lines: string[] = []
  const asked: Command[] = []
  let closed = 0
  const disk: Disk = {
    save: async () => {}, get: async () => undefined, range: async () => [], size: async () => 0, partitions: async () => [], copy: async function * () {}, compact: async () => false, check: async () => [], mend: async () => [],
    close: async () => { closed++ },
  }
  const step = async (input: Input): Promise<Step> => {
    const step: Step = { saves: [], reads: [], sends: [], wakes: [], tells: [] }
    if (input.type === 'start' && known !== undefined) {
      return { ...step, tells: [{ type: 'update', update: { type: 'me', me: { identity: 'i' as never, device: 'd' as never, name: known, hasPhrase: true, stuck: false, profile: { about: '', emoji: '', colour: 0 } } } }] }
    }
    if (input.type !== 'command') return step
    asked.push(input.command)
    const given = known !== undefined && input.command.type === 'set-up' ? { code: 'already-set-up', message: 'm' } as const : answer(input.command)
    const reply: Reply = isError(given) ? { id: input.id, ok: false, error: given } : { id: input.id, ok: true, result: given }
    return { ...step, tells: [{ type: 'reply', client: input.client, reply }] }
  }
  const peer: Peer = startPeer({
    parts: { engine: () => ({ step }), disk, network: NETWORK, mailbox: MAILBOX, clock: { now: () => 0 }, timers: { set: () => 0, clear: nothing } },
    name, relays: ['https://relay.example'], write: (line) => lines.push(line),
  })
  return { peer, lines, asked, closed: () => closed, say: (text: string) => peer.read(utf8(`${text}\n`)) }
}

describe('setting up', () => {
  test('a first start sets up with --name and says nothing of it on the line', async () => {
    const { peer, lines, asked } = setUp()
    await peer.ready
    expect(asked).toEqual([{ type: 'set-up', name: 'Alice' }])
    expect(lines).toEqual([])
  })

  test('another --name on a later start renames, the same does not', async () => {
    const renamed = setUp(undefined, 'Alicia', 'Alice')
    await renamed.peer.ready
    expect(renamed.asked.at(-1)).toEqual({ type: 'set-name', name: 'Alicia' })
    const same = setUp(undefined, 'Alice', 'Alice')
    await same.peer.ready
    expect(same.asked).toEqual([{ type: 'set-up', name: 'Alice' }])
  })

  test('a name that is refused is why it can not start', async () => {
    const { peer } = setUp(() => ({ code: 'name-too-long', message: 'Too long.' }))
    await expect(peer.ready).rejects.toMatchObject({ code: 'name-too-long', message: 'Too long.' })
  })
})

describe('the line', () => {
  test('answers carry the ids of the line, twice the same too', async () => {
    const { peer, lines, say } = setUp((command) => (command.type === 'list-channels' ? { code: 'unknown-space', message: 'm' } : { spaces: [] }))
    say('{"id":5,"type":"list-spaces"}')
    say(`{"id":5,"type":"list-channels","space":"${'0'.repeat(64)}"}`)
    say('{"id":"a","type":"list-spaces"}')
    peer.end()
    await peer.stopped
    expect(lines).toEqual(['{"id":5,"ok":true,"spaces":[]}', '{"id":5,"ok":false,"error":{"code":"unknown-space","message":"m"}}', '{"id":"a","ok":true,"spaces":[]}'])
  })

  test('a bad line gets an error line and the next one is served', async () => {
    const { peer, lines, say } = setUp()
    say('{"id":1,')
    say('{"id":2,"type":"list-spaces"}')
    peer.end()
    await peer.stopped
    expect(lines.map((line) => JSON.parse(line).id)).toEqual([null, 2])
  })

  test('a new space keeps its mail at --relay unless it names others', async () => {
    const { peer, asked, say } = setUp()
    say('{"type":"create-space","name":"A"}')
    say('{"type":"create-space","name":"B","relays":["https://other.example"]}')
    peer.end()
    await peer.stopped
    expect(asked.slice(1)).toEqual([
      { type: 'create-space', name: 'A', relays: ['https://relay.example'] }, { type: 'create-space', name: 'B', relays: ['https://other.example'] },
    ])
  })
})

describe('the end', () => {
  test('stop is answered last, when all is closed', async () => {
    const { peer, lines, closed, say } = setUp()
    await peer.ready
    say('{"id":1,"type":"list-spaces"}')
    say('{"id":2,"type":"stop"}')
    await peer.stopped
    expect(lines.at(-1)).toBe('{"id":2,"ok":true}')
    expect(lines).toHaveLength(2)
    expect(closed()).toBe(1)
  })

  test('the end of the input stops, after the last line', async () => {
    const { peer, asked, closed } = setUp()
    peer.read(utf8('{"type":"list-spaces"}'))
    peer.end()
    await peer.stopped
    expect(closed()).toBe(1)
    expect(asked).toEqual([{ type: 'set-up', name: 'Alice' }, { type: 'list-spaces' }])
  })

  test('a signal does not wait for commands', async () => {
    const { peer, lines, say } = setUp()
    say('{"id":1,"type":"list-spaces"}')
    await peer.stop()
    await peer.ready
    expect(lines).toEqual(['{"id":1,"ok":false,"error":{"code":"busy","message":"Thicket is stopping."}}'])
  })
})
