/** All that the engine and its host may ask of the world. Adapters implement these; the simulator has its own. */
import type { CiphersuiteImpl } from 'ts-mls'

/** Milliseconds since 1970. Labels and timers only: time never decides validity. */
export interface Clock { now(): number }

export interface Random { bytes(length: number): Uint8Array }

export interface SigningKey { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array }

/** Cryptography. The only thing the engine awaits. Deterministic given its Random. */
export interface Ciphersuite {
  sha256(...parts: readonly Uint8Array[]): Uint8Array
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array
  /** HKDF-Expand (RFC 5869) with SHA-256; `info` is a label from src/engine/labels.ts and its context. */
  expand(secret: Uint8Array, length: number, ...info: readonly Uint8Array[]): Uint8Array
  /** XChaCha20-Poly1305: 32-byte key, 24-byte nonce, 16-byte tag at the end. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** The same in a place that the next call of the suite may write over: for what is only hashed. */
  sealBriefly(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** undefined when the tag is wrong. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
  /** Ed25519 (RFC 8032) from a 32-byte seed. secretKey is the seed. */
  signingKey(seed: Uint8Array): Promise<SigningKey>
  sign(secretKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>
  /** Strict: rejects S >= L, non-canonical encodings and small-order points on every engine alike. */
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean>
  /** HPKE base mode (RFC 9180) to an X25519 public key: encapsulated key (32) || ciphertext. */
  sealTo(publicKey: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  openFrom(secretKey: Uint8Array, info: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>
  /** X25519 key pair from a 32-byte seed. */
  boxKey(seed: Uint8Array): Promise<SigningKey>
  /** For ts-mls: MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 over the same Random. */
  readonly mls: CiphersuiteImpl
}

export type Save =
  | { readonly type: 'put'; readonly partition: string; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly partition: string; readonly key: Uint8Array }
  /** Deletes every row of a partition. */
  | { readonly type: 'drop'; readonly partition: string }

export interface Row { readonly key: Uint8Array; readonly value: Uint8Array }

export interface RangeQuery {
  /** Inclusive lower and exclusive upper bound, in byte order; left out: open. */
  readonly from?: Uint8Array
  readonly to?: Uint8Array
  readonly limit: number
  /** From the upper end downwards. */
  readonly reverse?: boolean
}

/** Rows that are gone: from one place to another in the disk's own order (wire/losses.ts). */
export interface Lost { readonly from: Uint8Array; readonly to: Uint8Array | undefined }

/** Rows of one partition, out of a copy of all there is; `done` of about `all` bytes are told with them. */
export interface Copied { readonly partition: string; readonly rows: readonly Row[]; readonly done: number; readonly all: number }

/** Ordered rows in named partitions, sealed at rest. Rows are sorted by key within a partition. One writer at a time. */
export interface Disk {
  /** All or nothing, durable when it resolves (strict). Rejects with DiskError; a rejected save changed nothing. */
  save(saves: readonly Save[]): Promise<void>
  get(partition: string, key: Uint8Array): Promise<Uint8Array | undefined>
  range(partition: string, query: RangeQuery): Promise<Row[]>
  /** Bytes of a partition's rows, nearly: without reading them. */
  size(partition: string): Promise<number>
  /** Of all that have rows, and perhaps of some that had. */
  partitions(): Promise<string[]>
  /** All rows as of one moment, partition by partition, while saves go on. Whoever stops before its end has to `return` it, as for-await does. */
  copy(): AsyncIterable<Copied>
  /**
   * A piece of tidying, some tens of milliseconds long: what was deleted or replaced leaves the blocks for good, and room that is no longer needed is given back where that
   * can be done. False: nothing is left to do. Rejects like save, and then nothing has changed.
   */
  compact(): Promise<boolean>
  /** Reads all there is, as it lies there, and names what is damaged or missing. Other calls go on meanwhile. */
  check(tell?: (done: number, all: number) => void): Promise<readonly Lost[]>
  /** Gives up what is damaged or missing, so that the rest can be read; what it was is noted as rows of the partition 'lost' in the same transaction. */
  mend(): Promise<readonly Lost[]>
  close(): Promise<void>
}

/**
 * A place for some bytes that shares nothing with the disk: what happens to the disk doesn't happen here. It shows at the next start whether the disk is what it was
 * (engine/tally.ts). Never throws: a place that can't be reached holds nothing.
 */
export interface Tally {
  read(): Promise<Uint8Array | undefined>
  /** Whole or not at all. After a power cut the former bytes may be there again. */
  write(bytes: Uint8Array): Promise<void>
}

/** How a copy came to its end. locked: not the passphrase. invalid: no copy, or a damaged one. newer: by a newer program. damaged: the disk that should be copied is. */
export type CopyEnd =
  | { readonly type: 'done'; readonly file: string; readonly bytes: number }
  | { readonly type: 'cancelled' | 'locked' | 'invalid' | 'newer' | 'damaged' | 'full' | 'failed' }

/** Copies of all that is on a disk, in files beside it, sealed under a passphrase. Never throws; one at a time. */
export interface Copies {
  /** Into a file of its own, while the disk goes on being used. `tell`: so much of so much. */
  save(disk: Disk, passphrase: string, tell: (done: number, all: number) => void): Promise<CopyEnd>
  /** Onto a disk on which there is nobody: all of it, or nothing. */
  take(disk: Disk, file: string, passphrase: string, tell: (done: number, all: number) => void): Promise<CopyEnd>
  /** What is going on ends soon, and nothing of it stays. */
  cancel(): void
}

export class DiskError extends Error {
  readonly reason: 'full' | 'corrupt' | 'closed' | 'blocked' | 'failed'
  constructor(reason: DiskError['reason'], message: string, options?: ErrorOptions) { super(message, options); this.name = 'DiskError'; this.reason = reason }
}

export type Path = 'direct' | 'relayed'

export type NetworkEvent =
  /** Our own address as other peers dial it: peer id and the circuit addresses at reachable relays. Sent again when it changes. */
  | { readonly type: 'self'; readonly peer: string; readonly addresses: readonly string[] }
  | { readonly type: 'peer-up'; readonly peer: string; readonly path: Path }
  | { readonly type: 'peer-path'; readonly peer: string; readonly path: Path }
  | { readonly type: 'peer-down'; readonly peer: string }
  /** One whole frame from a connected peer, at most MAX_FRAME_BYTES, in order per peer. */
  | { readonly type: 'frame'; readonly peer: string; readonly bytes: Uint8Array }
  | { readonly type: 'gossip'; readonly topic: string; readonly bytes: Uint8Array }

/** Connections between peers. Nothing here is trusted: the engine authenticates and decrypts by itself. Never throws; failures are events or silence. */
export interface Network {
  start(tell: (event: NetworkEvent) => void): Promise<void>
  /** Relay base URLs (https://host:port) to keep circuit reservations at; replaces the former set. Addresses are learnt from each relay's /v1/relay. */
  useRelays(urls: readonly string[]): void
  /** Connects if not connected, upgrading to WebRTC where both can; result comes as peer-up. */
  dial(peer: string, addresses: readonly string[]): void
  hangUp(peer: string): void
  /** Frames to one peer arrive whole and in order, or the peer goes down. Bounded: over 16 MiB unsent, the peer is dropped. */
  send(peer: string, bytes: Uint8Array): void
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  publish(topic: string, bytes: Uint8Array): void
  stop(): Promise<void>
}

/** A relay topic as its members hold it: whoever has the seed can sign for it. topic id = SHA-256(public key)[0..16]. */
export interface TopicKey { readonly topic: string; readonly seed: Uint8Array }

export interface Parcel { readonly cursor: number; readonly bytes: Uint8Array }

/** `lacks`: ids that we hold and the relay does not keep; `found`: how many parcels it kept that we did not hold, all told. Up to `next`, with `hash`, all is known now. */
export interface Compared { readonly lacks: ReadonlySet<string>; readonly found: number; readonly next: number; readonly hash: Uint8Array }

export type MailboxEvent =
  | { readonly type: 'relay-up'; readonly relay: string }
  | { readonly type: 'relay-down'; readonly relay: string }
  /** Parcels of a watched topic after our cursor, ascending; `next` is the cursor to resume from, `hash` the rolling hash there where it is known. `end` when the relay has no more now. */
  | { readonly type: 'parcels'; readonly relay: string; readonly topic: string; readonly parcels: readonly Parcel[]; readonly next: number; readonly end: boolean; readonly hash?: Uint8Array | undefined }
  /** Of a topic that is compared: parcels that the relay keeps and we did not hold. */
  | { readonly type: 'found'; readonly relay: string; readonly topic: string; readonly parcels: readonly Parcel[] }
  /** A comparison has ended, with nothing where the relay can't compare, or what it said can't be true: then reading from the start is the way. */
  | { readonly type: 'compared'; readonly relay: string; readonly topic: string; readonly result: Compared | undefined }
  /** The relay has stored the parcel durably. */
  | { readonly type: 'posted'; readonly relay: string; readonly topic: string; readonly parcelId: string; readonly cursor: number }
  /** The relay refuses and will refuse again ('final'), or asks to wait. */
  | { readonly type: 'refused'; readonly relay: string; readonly topic: string; readonly parcelId: string; readonly final: boolean; readonly reason: string }
  /** An ephemeral announcement of another member on a watched topic: not stored by the relay. */
  | { readonly type: 'announced'; readonly relay: string; readonly topic: string; readonly bytes: Uint8Array }
  /** The relay's signed (topic, cursor, rolling hash) contradicts what it told before: it lost or withheld parcels. Reading restarts from 0, unless it is unwatched. */
  | { readonly type: 'rolled-back'; readonly relay: string; readonly topic: string }

/** Relays' mailboxes. Keeps connections, retries with back-off, answers challenges. Never throws; everything comes back as events. */
export interface Mailbox {
  start(tell: (event: MailboxEvent) => void): Promise<void>
  /**
   * Watches a topic from a cursor (0: all): first what is stored, then pushes as they come. Idempotent. With the rolling hash that belongs to the cursor, a relay
   * that lost what it had and was filled again beyond it is noticed as rolled back.
   */
  watch(relay: string, key: TopicKey, since: number, hash?: Uint8Array): void
  unwatch(relay: string, topic: string): void
  /** Stores a parcel; idempotent by content at the relay. One event per attempt that ends; while the relay is away it waits and retries. */
  post(relay: string, key: TopicKey, parcelId: string, bytes: Uint8Array): void
  announce(relay: string, key: TopicKey, bytes: Uint8Array): void
  /**
   * Finds out what the relay keeps of a topic beside what we hold: ids, one after the other (the first 16 bytes of parcels' SHA-256). `found` events, then one `compared`.
   * While the relay is away it waits and retries; a comparison of the same topic that still runs is dropped.
   */
  compare(relay: string, key: TopicKey, held: Uint8Array): void
  stop(): Promise<void>
}
