/** What the page of this benchmark asks of its workers, and how a worker answers: one job, one answer. */
import type { Command, Reply } from '../../api.ts'
import type { ChannelId, OpId, SpaceId } from '../../wire/ids.ts'

/** Rows of somebody who moves from one disk to another. */
export type MovedRows = readonly (readonly [partition: string, key: Uint8Array, value: Uint8Array])[]

export interface Circumstances { readonly space: SpaceId; readonly channel: ChannelId; readonly now: number; readonly peer: string; readonly other: string; readonly newcomer: MovedRows }
export interface Speeds { readonly floor: number; readonly naive: number }
/** `mergedMs`: until many segments of the search index had become few. */
export interface CaughtUp { readonly ms: number; readonly indexedMs: number; readonly mergedMs: number }
/** Of everything on a disk. */
export interface Tended { readonly compactMs: number; readonly longestMs: number; readonly checkMs: number }
/** The search index of a space: its rows, and how long it takes until it can be asked. */
export interface Indexed { readonly bytes: number; readonly loadMs: number }
export interface Stored { readonly blocks: number; readonly bytes: number }
export interface Rival {
  /** Milliseconds of one message appended and kept, each. */
  readonly appends: readonly number[]
  /** To the last 50 messages. */
  readonly reopenMs: readonly number[]
  /** What would go to another device, and what is on this one. */
  readonly bytes: number
  readonly stored: number
}
export interface Asks { readonly [kind: string]: readonly number[] }
export interface TextIndex { readonly buildMs: number; readonly loadMs: number; readonly bytes: number; readonly asks: Asks }

/** The worker in which everybody else lives, who serves what the newcomer lacks. */
export type PeerJob =
  | { readonly type: 'gather'; readonly authors: number }
  /** Everyone writes in turn until there are so many messages. */
  | { readonly type: 'say'; readonly upTo: number }
  /** Some of the messages, spread over all of them. */
  | { readonly type: 'some'; readonly count: number }
  | { readonly type: 'floors'; readonly count: number }

/** The worker with the newcomer's engine, host and disk. */
export type HomeJob =
  | { readonly type: 'move-in'; readonly disk: string; readonly place: Circumstances }
  /** Opens what is there; the milliseconds from the worker's first line to the first command answered. */
  | { readonly type: 'open'; readonly disk: string; readonly place: Omit<Circumstances, 'newcomer'> }
  | { readonly type: 'catch-up'; readonly count: number }
  | { readonly type: 'ask'; readonly commands: readonly Command[]; readonly pauseMs: number }
  | { readonly type: 'stored'; readonly disk: string }
  | { readonly type: 'index'; readonly disk: string; readonly space: SpaceId }
  /** Tidies all of the disk and checks all of it, with no engine beside. */
  | { readonly type: 'tend'; readonly disk: string }
  | { readonly type: 'close' }

/** The worker that does the same with other programs. */
export type RivalJob =
  | { readonly type: 'yjs'; readonly count: number; readonly appends: number; readonly reopenings: number }
  | { readonly type: 'automerge'; readonly count: number; readonly appends: number; readonly reopenings: number }
  | { readonly type: 'minisearch'; readonly count: number; readonly asks: number }

export interface Jobs {
  peer: PeerJob
  home: HomeJob
  rivals: RivalJob
}

export interface Answers {
  gather: Circumstances
  say: { readonly ms: number }
  some: readonly { readonly id: OpId; readonly order: number }[]
  floors: Speeds
  'move-in': null
  open: { readonly ms: number }
  'catch-up': CaughtUp
  ask: { readonly ms: readonly number[]; readonly replies: readonly Reply[] }
  stored: Stored
  index: Indexed
  tend: Tended
  close: null
  yjs: Rival
  automerge: Rival
  minisearch: TextIndex
}

export type AnyJob = PeerJob | HomeJob | RivalJob
export type Doing = { readonly [T in AnyJob['type']]: (job: Extract<AnyJob, { type: T }>) => Promise<Answers[T]> }

/** Answers jobs as they come, one after the other. `port`: the line to the other worker, given once. */
export function work(doing: Partial<Doing>, port?: (port: MessagePort) => void): void {
  let last: Promise<unknown> = Promise.resolve()
  self.onmessage = ({ data: { id, job }, ports }: MessageEvent<{ id: number; job: AnyJob | 'port' }>) => {
    if (job === 'port') { if (ports[0] !== undefined) port?.(ports[0]); return }
    const run = doing[job.type] as ((job: AnyJob) => Promise<unknown>) | undefined
    last = last.then(() => run?.(job)).then(
      (value) => { self.postMessage({ id, value }) },
      (error: unknown) => { self.postMessage({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) }) },
    )
  }
}
