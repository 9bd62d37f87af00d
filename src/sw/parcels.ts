/**
 * Parcels that could not reach their relay. The page's worker posts sealed parcels over HTTP; when that fails, the service worker keeps
 * the request and the browser replays it once it is online again, even after the last tab has gone.
 *
 * This is a second way out, never the only one: the engine keeps every parcel on its own disk until a relay says it has it, and posts again.
 * So nothing here may answer for a relay (a failed post stays failed for the page), and anything here may be lost without harm.
 * Rows of the queue lie in clear in IndexedDB, so only what a relay sees anyway, sealed bytes under an opaque topic, gets in.
 */
import { bytesToHex } from '@noble/hashes/utils.js'

/** Posts that wait. Enough for an evening on a train; beyond it the engine's own retry has to do. */
export const MAX_WAITING_PARCELS = 200
/** Messages are small. What is larger (files, snapshots) the engine posts when it runs again. */
export const MAX_WAITING_BYTES = 64 * 1024
/** A week, after which topics have rotated and nobody reads them. In minutes, as Workbox counts. */
export const KEEP_PARCELS_MINUTES = 7 * 24 * 60

const PARCEL_PATH = /^\/v1\/topics\/[0-9a-f]{32}$/

interface Entry { request: Request; metadata?: object }

/** What we use of Workbox's Queue. */
export interface ParcelQueue {
  getAll(): Promise<Entry[]>
  pushRequest(entry: Entry): Promise<void>
  shiftRequest(): Promise<Entry | undefined>
  unshiftRequest(entry: Entry): Promise<void>
}

/** Whether a request stores a parcel at a relay, whichever relay that is. */
export const isParcelPost = (method: string, url: URL): boolean => method === 'POST' && PARCEL_PATH.test(url.pathname)

/** Posts a parcel, and keeps it when no relay answered. Rejects as the fetch did: for the page the post has failed. */
export async function postParcel(queue: ParcelQueue, request: Request, send: typeof fetch): Promise<Response> {
  try {
    // The clone is what gets sent: a body can be read once, and the queue still needs it.
    return await send(request.clone())
  } catch (error) {
    await keepParcel(queue, request)
    throw error
  }
}

/** Keeps a post that failed, once per content: the engine tries again while it is offline, and each try fails the same way. */
export async function keepParcel(queue: ParcelQueue, request: Request): Promise<void> {
  const body = await request.clone().arrayBuffer()
  if (body.byteLength > MAX_WAITING_BYTES) return
  const digest = bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', body)))
  const id = `${request.url} ${digest}`
  const waiting = await queue.getAll()
  // The first ones stay: later ops build on them.
  if (waiting.length >= MAX_WAITING_PARCELS || waiting.some(entry => idOf(entry) === id)) return
  await queue.pushRequest({ request, metadata: { id } })
}

function idOf({ metadata }: Entry): string | undefined {
  return metadata && 'id' in metadata && typeof metadata.id === 'string' ? metadata.id : undefined
}

/**
 * Posts everything that waits, in order. Rejects when a relay can't be reached or asks to wait; that parcel and those behind it stay.
 * A refused parcel goes: the engine hears the refusal itself when it posts.
 */
export async function drainParcels(queue: ParcelQueue, send: typeof fetch): Promise<void> {
  for (let entry = await queue.shiftRequest(); entry; entry = await queue.shiftRequest()) {
    const answer = await send(entry.request.clone()).catch((error: unknown) => error)
    if (answer instanceof Response && !asksToWait(answer.status)) continue
    await queue.unshiftRequest(entry)
    throw answer instanceof Response ? new Error(`The relay answered ${answer.status}`) : answer
  }
}

const asksToWait = (status: number): boolean => status >= 500 || status === 408 || status === 425 || status === 429
