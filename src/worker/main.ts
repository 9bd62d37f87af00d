/** The worker that runs the engine: puts the parts together, once this worker is the only one, and lets the tabs in. */
import { connectRtc } from './rtc-worker.ts'
import { systemClock } from '../adapters/clock.ts'
import { createCopies, dropHalf } from '../adapters/copies.ts'
import { opfsCopies } from '../adapters/copies-opfs.ts'
import { openIdbDisk } from '../adapters/disk-idb.ts'
import { createMailbox } from '../adapters/mailbox-relay.ts'
import { systemRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import { opfsTally } from '../adapters/tally-opfs.ts'
import { systemPause, systemTimers } from '../adapters/timers.ts'
import type { ApiError } from '../api.ts'
import { createEngine } from '../engine/engine.ts'
import { startHost, type Host } from '../host.ts'
import { DiskError } from '../ports.ts'
import { toHex } from '../wire/bytes.ts'
import { Door } from './door.ts'
import { Hub } from './hub.ts'
import { Moving } from './moving.ts'
import { networkLater } from './network-later.ts'
import { ENGINE_LOCK, TABS_CHANNEL, type HubToTab, type PageToWorker, type TabToHub, type WorkerToPage } from './tabs.ts'

const DISK_NAME = 'thicket'
/** So often the worker looks whether anybody has been there. */
const LOOK_EVERY_MS = 10_000
/** What is locked must not stay open for a connection that won't end. */
const STOPS_WITHIN_MS = 3000

type Start = PageToWorker & { type: 'start' }

/** What came before the worker could hear it: the start message is the first of all. */
let hub: Hub | undefined

onmessage = (event: MessageEvent<PageToWorker>) => {
  const message = event.data
  switch (message.type) {
    case 'start':
      connectRtc(message.rtc)
      // The former leader's worker may take a moment to die: two must not write to one disk.
      void navigator.locks.request(ENGINE_LOCK, () => run(message))
      return
    case 'tab': hub?.receive(message.message); return
    default: message satisfies never
  }
}

const log = (line: string): void => { console.warn(line) }

/** Keeps the lock as long as the worker lives. */
async function run(start: Start): Promise<never> {
  const random = systemRandom(), clock = systemClock()
  const channel = new BroadcastChannel(TABS_CHANNEL)
  const opened = new Hub({
    term: toHex(random.bytes(8)), ownTab: start.tab, relay: start.relay, locks: navigator.locks,
    toOwn: message => { postMessage(message) },
    toOthers: message => { channel.postMessage(message) },
  })
  channel.onmessage = (event: MessageEvent<TabToHub | HubToTab>) => {
    if (event.data.type === 'hello' || event.data.type === 'command') opened.receive(event.data)
  }
  hub = opened
  try {
    let host: Host | undefined
    const closed = (): void => {
      opened.fail(CLOSED)
      void host?.stop()
    }
    const [{ disk, vault }, suite] = await Promise.all([openIdbDisk({ name: DISK_NAME, storage: navigator.storage, onClosed: closed, unlock: door => opened.unlock(door) }), createSuite(random)])
    await dropHalf(disk)
    const copies = createCopies({ files: opfsCopies(navigator.storage), now: () => clock.now() })
    const moving = await Moving.due({ disk, copies, tell: info => { opened.tellLock(info) } })
    if (moving) {
      opened.move(moving)
      await moving.run()
    }
    const { protocol, hostname } = new URL(start.relay)
    host = startHost({
      engine: () => createEngine({ suite, random, appBase: start.relay, hearsAll: false }),
      disk, tally: opfsTally({ storage: navigator.storage, name: 'tally', pause: systemPause }), copies, clock, timers: systemTimers(),
      network: networkLater(async () => (await import('../adapters/network-libp2p.ts')).createNetwork({
        randomBytes: length => random.bytes(length), iceServers: start.iceServers, webrtc: start.rtcMode !== 'off',
        allowPrivate: protocol === 'http:' || hostname === 'localhost',
      }), { pause: systemPause, log }),
      mailbox: createMailbox({ suite, random }),
      tell: tell => { opened.tell(tell) },
      log,
    })
    const running = host
    const lock = async (): Promise<void> => {
      // What was said as kept is on the disk; the rest of the memory goes with this worker, whatever goes wrong or hangs meanwhile.
      try {
        opened.close(await vault.door())
        await Promise.race([running.stop(), systemPause(STOPS_WITHIN_MS)])
      } finally { postMessage({ type: 'restart' } satisfies WorkerToPage) }
    }
    const door = new Door({ vault, now: () => clock.now(), lock: () => { void lock() }, tell: info => { opened.tellLock(info) } })
    opened.open(host, door)
    await door.begin()
    setInterval(() => { void door.look() }, LOOK_EVERY_MS)
  } catch (reason) { opened.fail(failureOf(reason)) }
  return new Promise(() => {})
}

const CLOSED: ApiError = { code: 'disk-failed', message: 'The browser closed the storage, or a newer version of Thicket needs it. Reload this page.' }

function failureOf(reason: unknown): ApiError {
  if (reason instanceof DiskError) {
    if (reason.reason === 'full') return { code: 'disk-full', message: 'There is no room left on this device. Free some, then reload this page.' }
    return { code: 'disk-failed', message: `Your spaces could not be opened: ${reason.message}` }
  }
  return { code: 'internal', message: `Thicket could not start: ${reason instanceof Error ? reason.message : String(reason)}` }
}
