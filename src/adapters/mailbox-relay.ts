/**
 * Relays' mailboxes as the engine sees them: one push socket per relay, posts over HTTP, everything again after a break.
 * The same code runs in the browser's worker and in Node.
 *
 *   mailbox-line.ts    the push socket: challenge, watches, pages, announcements       mailbox-posts.ts   posts
 *   mailbox-compare.ts what differs between a topic there and what we hold of it
 *   mailbox-chain.ts   whether the relay's signed heads fit what it hands out          mailbox-pause.ts   waits between tries
 */
import type { Ciphersuite, Mailbox, MailboxEvent, TopicKey } from '../ports.ts'
import { RelayComparisons } from './mailbox-compare.ts'
import { type Connect, connectWebSocket, RelayLine } from './mailbox-line.ts'
import { RelayPosts } from './mailbox-posts.ts'

export interface MailboxOptions {
  readonly suite: Pick<Ciphersuite, 'sha256' | 'sign' | 'signingKey' | 'verify'>
  readonly random: { bytes(length: number): Uint8Array }
  /** The world's own when left out. */
  readonly fetch?: typeof fetch
  readonly connect?: Connect
}

export interface RelayMailbox extends Mailbox {
  /** The network is back: waits end now, and lines that may have died unnoticed are tried. */
  online(): void
}

/** Keys kept in their working form; more topics than that are rare, and only cost a little time. */
const MAX_KEYS = 2000

interface Relay { readonly line: RelayLine; readonly posts: RelayPosts; readonly comparisons: RelayComparisons }

export function createMailbox(options: MailboxOptions): RelayMailbox {
  const { suite, random } = options
  const relays = new Map<string, Relay>()
  const sign = signer(suite)
  const chance = (): number => (random.bytes(1)[0] as number) / 255
  let listener: ((event: MailboxEvent) => void) | undefined
  let isStopped = false

  const at = (url: string): Relay | undefined => {
    if (isStopped) return undefined
    const known = relays.get(url)
    if (known !== undefined) return known
    // Events name the relay as the engine does, requests go to its address without the slashes at the end.
    const tell = (event: MailboxEvent): void => { if (!isStopped) listener?.({ ...event, relay: url }) }
    const relay = url.replace(/\/+$/, '')
    const ask = options.fetch ?? ((input, init) => fetch(input, init))
    const line = new RelayLine({ relay, fetch: ask, connect: options.connect ?? connectWebSocket, suite, sign, chance, tell, isUp: () => { posts.relayIsBack(); comparisons.relayIsBack() } })
    const posts = new RelayPosts({ relay, fetch: ask, sign, sha256: (bytes) => suite.sha256(bytes), accepts: (topic, kept) => line.accepts(topic, kept.head), chance, tell })
    const comparisons = new RelayComparisons({
      relay, fetch: ask, sign, sha256: (bytes) => suite.sha256(bytes), accepts: (topic, head) => line.accepts(topic, head), chance, seed: () => new DataView(random.bytes(4).slice().buffer).getUint32(0), tell,
    })
    const made = { line, posts, comparisons }
    relays.set(url, made)
    return made
  }

  const online = (): void => {
    for (const { line, posts, comparisons } of relays.values()) { line.tryNow(); posts.relayIsBack(); comparisons.relayIsBack() }
  }

  return {
    start: async (tell) => {
      listener = tell
      // Node has no such event; there a machine that comes back waits out its pause.
      globalThis.addEventListener?.('online', online)
    },
    watch: (url, key, since, hash) => at(url)?.line.watch(key, since, hash),
    unwatch: (url, topic) => relays.get(url)?.line.unwatch(topic),
    post: (url, key, parcelId, bytes) => at(url)?.posts.post({ key, parcelId, bytes }),
    compare: (url, key, held) => at(url)?.comparisons.compare(key, held),
    announce: (url, key, bytes) => relays.get(url)?.line.announce(key.topic, bytes),
    online,
    stop: async () => {
      isStopped = true
      globalThis.removeEventListener?.('online', online)
      for (const { line, posts, comparisons } of relays.values()) { line.stop(); posts.stop(); comparisons.stop() }
    },
  }
}

/** Signs with a topic's key, which is derived from its seed once. */
function signer(suite: Pick<Ciphersuite, 'sign' | 'signingKey'>): (key: TopicKey, message: Uint8Array) => Promise<{ pk: Uint8Array; sig: Uint8Array }> {
  const keys = new Map<string, ReturnType<Ciphersuite['signingKey']>>()
  return async (key, message) => {
    if (keys.size >= MAX_KEYS) keys.clear()
    const made = keys.get(key.topic) ?? suite.signingKey(key.seed)
    keys.set(key.topic, made)
    const { publicKey, secretKey } = await made
    return { pk: publicKey, sig: await suite.sign(secretKey, message) }
  }
}
