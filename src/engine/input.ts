/** What the world tells the engine, and what the engine asks of the world in return. Data only. */
import type { Command, Reply, Update } from '../api.ts'
import type { CopyEnd, MailboxEvent, NetworkEvent, RangeQuery, Row, Save, TopicKey } from '../ports.ts'

export type Input =
  /** Once, first. `tally`: what the last step that had one left elsewhere. */
  | { readonly type: 'start'; readonly tally?: Uint8Array | undefined }
  | { readonly type: 'command'; readonly client: number; readonly id: number; readonly command: Command }
  | { readonly type: 'client-gone'; readonly client: number }
  /** Answer to a Read, in the order asked. */
  | { readonly type: 'rows'; readonly tag: string; readonly rows: readonly Row[] }
  | { readonly type: 'answers'; readonly tag: string; readonly answers: readonly (readonly Row[])[] }
  | { readonly type: 'measured'; readonly tag: string; readonly bytes: readonly number[] }
  /** `more`: there is more to tidy. `failed`: the disk can't, now. */
  | { readonly type: 'compacted'; readonly tag: string; readonly more: boolean; readonly failed?: true }
  /** `damaged`: how many places are; left out while the check goes on. `failed`: it has ended, and nobody knows. */
  | { readonly type: 'checked'; readonly tag: string; readonly done: number; readonly all: number; readonly damaged?: number; readonly failed?: true }
  /** What could not be read is cut out of the disk, and noted there. */
  | { readonly type: 'mended'; readonly tag: string }
  /** How far a copy is, and how it ended. */
  | { readonly type: 'copied'; readonly tag: string; readonly done: number; readonly all: number }
  | { readonly type: 'copied'; readonly tag: string; readonly end: CopyEnd }
  | { readonly type: 'timer'; readonly tag: string }
  | NetworkEvent
  | MailboxEvent

/**
 * What the engine needs of the disk next; the host asks it after this step's saves and answers with one input ahead of everything queued: rows; how much room these
 * partitions take; or that a piece of tidying is done.
 */
export type Read =
  | { readonly tag: string; readonly partition: string; readonly query: RangeQuery }
  /** Several at once, answered in one input: what belongs to one question need not be a step each. */
  | { readonly tag: string; readonly ranges: readonly { readonly partition: string; readonly query: RangeQuery }[] }
  | { readonly tag: string; readonly measure: readonly string[] }
  | { readonly tag: string; readonly compact: true }
  /** A full check, beside everything else: answered now and then with how far it is, and at the end. */
  | { readonly tag: string; readonly check: true }
  | { readonly tag: string; readonly mend: true }
  /** Beside everything else, too: a copy of all there is, into a file or out of one. */
  | { readonly tag: string; readonly copy: { readonly type: 'save'; readonly passphrase: string } | { readonly type: 'take'; readonly file: string; readonly passphrase: string } | { readonly type: 'cancel' } }

export type Send =
  | { readonly type: 'use-relays'; readonly urls: readonly string[] }
  | { readonly type: 'dial'; readonly peer: string; readonly addresses: readonly string[] }
  | { readonly type: 'hang-up'; readonly peer: string }
  | { readonly type: 'frame'; readonly peer: string; readonly bytes: Uint8Array }
  | { readonly type: 'subscribe'; readonly topic: string }
  | { readonly type: 'unsubscribe'; readonly topic: string }
  | { readonly type: 'publish'; readonly topic: string; readonly bytes: Uint8Array }
  | { readonly type: 'watch'; readonly relay: string; readonly key: TopicKey; readonly since: number; readonly hash?: Uint8Array | undefined }
  | { readonly type: 'compare'; readonly relay: string; readonly key: TopicKey; readonly held: Uint8Array }
  | { readonly type: 'unwatch'; readonly relay: string; readonly topic: string }
  | { readonly type: 'post'; readonly relay: string; readonly key: TopicKey; readonly parcelId: string; readonly bytes: Uint8Array }
  | { readonly type: 'announce'; readonly relay: string; readonly key: TopicKey; readonly bytes: Uint8Array }

/** Wake the engine with { type: 'timer', tag } at `at` (ms since 1970). A wake with the same tag replaces the former; at Infinity cancels it. */
export interface Wake { readonly tag: string; readonly at: number }

/** Replies to one client, updates to all, or to the one that they are for. */
export type Tell =
  | { readonly type: 'reply'; readonly client: number; readonly reply: Reply }
  | { readonly type: 'update'; readonly client?: number; readonly update: Update }

/** Done in this order by the host: save all in one transaction, keep the tally, read, send, arm wakes, tell. */
export interface Step {
  readonly saves: readonly Save[]
  /** To be kept elsewhere than on the disk, once the saves are durable and before anything is sent. */
  readonly tally?: Uint8Array
  readonly reads: readonly Read[]
  readonly sends: readonly Send[]
  readonly wakes: readonly Wake[]
  readonly tells: readonly Tell[]
  /** Afterwards another engine starts from the disk. */
  readonly startAgain?: true
}

/** What the host needs of an engine: the simulator's planted bugs implement it too. */
export interface Stepper { step(input: Input, now: number): Promise<Step> }
