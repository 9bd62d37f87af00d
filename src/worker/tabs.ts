/**
 * What the tabs of one profile and the one worker among them say to each other.
 *
 * One tab leads: it holds a Web Lock, and its worker runs the engine. The other tabs talk to that worker over a BroadcastChannel; the leading tab uses its worker's own
 * port, which is faster, for the same messages. A worker's run has a term, a random name: whatever a tab asked in an earlier term was asked of a
 * worker that is gone. The browser frees a tab's locks when it dies in whatever way, so nobody needs to say goodbye.
 */
import type { FromWorker, ToWorker } from '../api.ts'
import type { RtcMode } from './rtc-messages.ts'

/** Both names change together with the messages below, so that tabs of two versions don't misread each other. */
export const TABS_CHANNEL = 'thicket-tabs-1'
/** These two never change: two versions must not lead, or write, at once. */
export const LEADER_LOCK = 'thicket-leader'
export const ENGINE_LOCK = 'thicket-engine'
/** Held by each tab while it lives and isn't frozen. */
export const tabLock = (tab: string): string => `thicket-tab-${tab}`

export type TabToHub =
  /** I'm here: tell me your term, and what I should show. */
  | { readonly type: 'hello'; readonly tab: string }
  | { readonly type: 'command'; readonly tab: string; readonly term: string; readonly message: ToWorker }

export type HubToTab =
  /** A worker's run has begun. Everybody says hello. */
  | { readonly type: 'term'; readonly term: string }
  /** Follows hello; the updates that a new client needs come after it. */
  | { readonly type: 'welcome'; readonly tab: string; readonly term: string }
  | { readonly type: 'for'; readonly tab: string; readonly term: string; readonly message: FromWorker }
  | { readonly type: 'for-all'; readonly term: string; readonly message: FromWorker }

/** The worker to its own page, besides what the hub says: end me and start another. What knew the key of the disk is gone with me. */
export type WorkerToPage = HubToTab | { readonly type: 'restart' }

/** The leading page to its worker, besides what tabs say. */
export type PageToWorker =
  | { readonly type: 'start'; readonly tab: string; readonly rtc: MessagePort; readonly rtcMode: RtcMode; readonly relay: string; readonly iceServers: readonly RTCIceServer[] }
  | { readonly type: 'tab'; readonly message: TabToHub }
