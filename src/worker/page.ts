/**
 * The page's door to the engine. `openClientPort` gives the app a port that works the same whether this tab leads or another does, and across changes of who leads.
 *
 * A tab that goes into the back/forward cache or is frozen can't run a worker and must not keep others from it: it steps down, and comes back as a client, or as
 * the leader if nobody else is there.
 */
import type { ApiError, ClientPort, FromWorker } from '../api.ts'
import { holdLock, Leadership } from './leader.ts'
import { TabLink } from './link.ts'
import { RtcHost } from './rtc-page.ts'
import { parseRtcMode, type RtcMode } from './rtc-messages.ts'
import { TABS_CHANNEL, tabLock, type HubToTab, type PageToWorker, type TabToHub, type WorkerToPage } from './tabs.ts'

export interface PageOptions {
  /** Base URL of the relay for new spaces: as a rule, where the app itself comes from. */
  readonly relay?: string
  /** STUN and TURN servers that the user chose. */
  readonly iceServers?: readonly RTCIceServer[]
  /** How data channels reach the worker, or no WebRTC; by default as the page's address says (?rtc=port, ?rtc=off). */
  readonly rtc?: RtcMode
  /** Makes the worker: tests bring their own. */
  readonly worker?: () => Worker
}

export function openClientPort(options: PageOptions = {}): ClientPort {
  // Browsers keep locks, and the keys that seal the disk, from pages that anyone on the way could have changed.
  if (!isSecureContext) return refuse({ code: 'internal', message: 'Thicket only runs on a secure page: its address must begin with https://, or be localhost.' })
  const tab = new Tab(options)
  tab.wake()
  addEventListener('pagehide', () => { tab.sleep() })
  addEventListener('pageshow', () => { tab.wake() })
  document.addEventListener('freeze', () => { tab.sleep() })
  document.addEventListener('resume', () => { tab.wake() })
  return tab.link
}

/** A port behind which there is nothing but a reason. */
function refuse(error: ApiError): ClientPort {
  let tell: (message: FromWorker) => void = () => {}
  return {
    post: message => { if (message.type === 'command') tell({ type: 'reply', reply: { id: message.id, ok: false, error } }) },
    listen: receive => {
      tell = receive
      queueMicrotask(() => { receive({ type: 'update', update: { type: 'notice', error } }) })
    },
  }
}

const startWorker = (): Worker => new Worker(new URL('./main.ts', import.meta.url), { type: 'module', name: 'thicket' })

/** The worker's script is fetched again after so many ms, after twice that, and so on up to the most. */
const AGAIN_MS = 1000, AGAIN_AT_MOST_MS = 30_000
const NOT_FETCHED: ApiError = { code: 'internal', message: 'A part of Thicket could not be fetched. It is tried again.' }

class Tab {
  readonly link: TabLink
  private readonly options: PageOptions
  private readonly leadership: Leadership
  private channel: BroadcastChannel | undefined
  private worker: Worker | undefined
  /** Lets go of this tab's own lock; there while this tab is awake. */
  private leave: (() => void) | undefined
  private isKnown = false
  /** How often in a row the worker's script could not be fetched. */
  private failed = 0
  /** There while this tab leads. */
  private restart: (() => void) | undefined

  constructor(options: PageOptions) {
    this.options = options
    this.link = new TabLink(crypto.randomUUID(), message => { this.say(message) })
    this.leadership = new Leadership({ locks: navigator.locks, lead: () => this.lead() })
  }

  wake(): void {
    if (this.leave) return
    this.channel = new BroadcastChannel(TABS_CHANNEL)
    this.channel.onmessage = (event: MessageEvent<HubToTab | TabToHub>) => {
      // Other tabs' words to the hub are for a worker, not for us.
      if (event.data.type !== 'hello' && event.data.type !== 'command') this.link.hear(event.data)
    }
    // The hub takes us for gone when it gets this lock: so it hears of us only once we hold it.
    this.leave = holdLock(navigator.locks, tabLock(this.link.tab), () => {
      this.isKnown = true
      this.link.greet()
    })
    this.leadership.stand()
  }

  sleep(): void {
    this.isKnown = false
    this.link.leave()
    this.leadership.resign()
    this.channel?.close()
    this.channel = undefined
    this.leave?.()
    this.leave = undefined
  }

  private say(message: TabToHub): void {
    if (!this.isKnown) return
    if (this.worker) this.worker.postMessage({ type: 'tab', message } satisfies PageToWorker)
    else this.channel?.postMessage(message)
  }

  private lead(): () => void {
    let end = this.startLeading()
    this.restart = () => {
      end()
      end = this.startLeading()
    }
    return () => {
      end()
      this.restart = undefined
    }
  }

  private startLeading(): () => void {
    const { relay = location.origin, iceServers = [], rtc = parseRtcMode(new URLSearchParams(location.search).get('rtc')) } = this.options
    const worker = (this.options.worker ?? startWorker)()
    const { port1, port2 } = new MessageChannel()
    const mode = 'RTCPeerConnection' in globalThis ? rtc : 'off'
    const host = new RtcHost(port1, mode)
    let again: ReturnType<typeof setTimeout> | undefined
    // What goes wrong in it says what it is; where its script doesn't come, there is only the event.
    worker.onerror = (event: Event) => {
      if (event instanceof ErrorEvent) return
      this.link.notice(NOT_FETCHED)
      again = setTimeout(() => { this.restart?.() }, Math.min(AGAIN_MS * 2 ** this.failed++, AGAIN_AT_MOST_MS))
    }
    worker.onmessage = (event: MessageEvent<WorkerToPage>) => { this.failed = 0; if (event.data.type === 'restart') this.restart?.(); else this.link.hear(event.data) }
    worker.postMessage({ type: 'start', tab: this.link.tab, rtc: port2, rtcMode: mode, relay, iceServers } satisfies PageToWorker, [port2])
    this.worker = worker
    return () => {
      clearTimeout(again)
      worker.terminate()
      host.stop()
      this.worker = undefined
    }
  }
}
