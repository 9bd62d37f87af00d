/** The newcomer's home: the real engine and host on the browser's real disk. The network is a line to the other worker. */
import { openIdbDisk } from '../../adapters/disk-idb.ts'
import { systemRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Command, Reply } from '../../api.ts'
import { Engine } from '../../engine/engine.ts'
import { indexPartitions, SearchIndex } from '../../engine/search/search-index.ts'
import { type Host, startHost } from '../../host.ts'
import type { Disk, Mailbox, Network, NetworkEvent } from '../../ports.ts'
import type { SpaceId } from '../../wire/ids.ts'
import type { Circumstances } from './jobs.ts'
import { type CaughtUp, type Indexed, type Stored, type Tended, work } from './jobs.ts'

const LOOK_EVERY_MS = 4
/** Rows of one save while somebody moves in. */
const MOVED_AT_ONCE = 1000

interface Home { readonly host: Host; readonly engine: () => Engine; readonly place: Omit<Circumstances, 'newcomer'>; ask(command: Command): Promise<Reply> }

const began = performance.now()
let line: MessagePort | undefined
let tellNetwork: (event: NetworkEvent) => void = () => {}
let home: Home | undefined
const failures: string[] = []

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })
const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => { resolve(request.result) }
  request.onerror = () => { reject(request.error ?? new Error('no reason given')) }
})

const network: Network = {
  async start(tell) { tellNetwork = tell },
  useRelays() {}, dial() {}, hangUp() {}, subscribe() {}, unsubscribe() {}, publish() {},
  send(_peer, bytes) { line?.postMessage(bytes) },
  async stop() {},
}
/** The relay is never there. */
const mailbox: Mailbox = { async start() {}, watch() {}, unwatch() {}, post() {}, announce() {}, compare() {}, async stop() {} }

function live(disk: Disk, suite: Awaited<ReturnType<typeof createSuite>>, place: Home['place']): Home {
  const random = systemRandom(), now = (): number => Math.floor(place.now + performance.now())
  const waiting = new Map<number, (reply: Reply) => void>()
  let engine: Engine | undefined, next = 1
  const host = startHost({
    engine: () => { engine = new Engine({ suite, random, hearsAll: false }); return engine },
    disk, network, mailbox, clock: { now },
    timers: { set: (at, fire) => setTimeout(fire, Math.min(Math.max(at - now(), 0), 2 ** 31 - 1)), clear: (handle) => { clearTimeout(handle as number) } },
    tell: (tell) => { if (tell.type === 'reply') { waiting.get(tell.reply.id)?.(tell.reply); waiting.delete(tell.reply.id) } },
    log: (said) => { failures.push(said) },
  })
  return {
    host, place,
    engine: () => { if (engine === undefined) throw new Error('no engine'); return engine },
    ask: (command) => new Promise((resolve) => { const id = next++; waiting.set(id, resolve); host.command(1, id, command) }),
  }
}

function here(): Home {
  if (failures.length > 0) throw new Error(failures.join('\n'))
  if (home === undefined) throw new Error('nobody is home')
  return home
}

async function catchUp(count: number): Promise<CaughtUp> {
  const { engine, place } = here()
  const held = (): number => engine().replicas.get(place.space)?.log.vector().filter((e) => e.channel === place.channel).reduce((sum, e) => sum + e.chanSeq, 0) ?? 0
  const until = async (done: () => boolean): Promise<void> => { for (;;) { await here().host.idle(); if (done()) return; await pause(LOOK_EVERY_MS) } }
  const keeperOf = () => { const replica = engine().replicas.get(place.space); return replica && engine().searching.keeper(replica) }
  const before = held(), start = performance.now()
  tellNetwork({ type: 'self', peer: place.peer, addresses: ['/x'] })
  tellNetwork({ type: 'peer-up', peer: place.other, path: 'direct' })
  // What the other said before waits in the line: a hello is said once, and from somebody who isn't there yet it would be dropped.
  if (line !== undefined) line.onmessage = ({ data }: MessageEvent<Uint8Array>) => { tellNetwork({ type: 'frame', peer: place.other, bytes: data }) }
  await until(() => held() - before >= count)
  const ms = performance.now() - start
  await until(() => {
    const keeper = keeperOf()
    return keeper !== undefined && (keeper.isDone || keeper.mayRest) && keeper.builtBackTo(place.channel) === 0
  })
  const indexedMs = performance.now() - start
  await until(() => keeperOf()?.isDone === true)
  const mergedMs = performance.now() - start
  tellNetwork({ type: 'peer-down', peer: place.other })
  await here().host.idle()
  return { ms, indexedMs, mergedMs }
}

async function stored(name: string): Promise<Stored> {
  const db = await settled(indexedDB.open(name))
  const store = db.transaction('blocks').objectStore('blocks')
  const ids = await settled(store.getAllKeys())
  let bytes = 0
  for (let n = 0; n < ids.length; n += 256) {
    const part = ids.slice(n, n + 256)
    const blocks = await settled(db.transaction('blocks').objectStore('blocks').getAll(IDBKeyRange.bound(part[0], part.at(-1))) as IDBRequest<Uint8Array[]>)
    bytes += blocks.reduce((sum, block) => sum + block.length + 16, 0)
  }
  db.close()
  return { blocks: ids.length, bytes }
}

async function index(name: string, space: SpaceId): Promise<Indexed> {
  const { disk } = await openIdbDisk({ name }), start = performance.now(), reading = new SearchIndex(space).open()
  for (let step = reading.next(); step.done !== true;) step = reading.next(await Promise.all(step.value.map(({ partition, query }) => disk.range(partition, query))))
  const loadMs = performance.now() - start
  let bytes = 0
  for (const partition of indexPartitions(space)) {
    for (const { key, value } of await disk.range(partition, { limit: Number.MAX_SAFE_INTEGER })) bytes += key.length + value.length
  }
  await disk.close()
  return { bytes, loadMs }
}

async function tend(name: string): Promise<Tended> {
  const { disk } = await openIdbDisk({ name })
  const pieces: number[] = []
  for (let more = true; more;) {
    const start = performance.now()
    more = await disk.compact()
    pieces.push(performance.now() - start)
  }
  const start = performance.now(), lost = await disk.check(), checkMs = performance.now() - start
  if (lost.length > 0) throw new Error(`${lost.length} places of the disk are damaged`)
  await disk.close()
  return { compactMs: pieces.reduce((sum, ms) => sum + ms, 0), longestMs: Math.max(...pieces), checkMs }
}

work({
  async 'move-in'({ disk: name, place }) {
    const { disk } = await openIdbDisk({ name })
    const saves = place.newcomer.map(([partition, key, value]) => ({ type: 'put', partition, key, value } as const))
    for (let n = 0; n < saves.length; n += MOVED_AT_ONCE) await disk.save(saves.slice(n, n + MOVED_AT_ONCE))
    await disk.close()
    return null
  },
  async open({ disk: name, place }) {
    const [{ disk }, suite] = await Promise.all([openIdbDisk({ name, storage: navigator.storage }), createSuite(systemRandom())])
    home = live(disk, suite, place)
    // Like the page's: the first thing it wants.
    await home.ask({ type: 'list-spaces' })
    return { ms: performance.now() - began }
  },
  'catch-up': ({ count }) => catchUp(count),
  async ask({ commands, pauseMs }) {
    const ms: number[] = [], replies: Reply[] = []
    for (const command of commands) {
      if (pauseMs > 0) await pause(pauseMs)
      const start = performance.now()
      replies.push(await here().ask(command))
      ms.push(performance.now() - start)
    }
    return { ms, replies }
  },
  stored: ({ disk }) => stored(disk),
  index: ({ disk, space }) => index(disk, space),
  tend: ({ disk }) => tend(disk),
  async close() { await here().host.stop(); home = undefined; return null },
}, (port) => { line = port })
