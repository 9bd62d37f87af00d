/**
 * Keeps the index of one space: begins it, works it off in pieces, and builds it from the messages on the disk when it isn't there or is damaged.
 * Building goes newest first and notes after each piece how far it is, so that a search can say how far back it reaches and a restart goes on.
 */
import type { Row } from '../../ports.ts'
import { fromHex, fromU64 } from '../../wire/bytes.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import { type ChannelId, parseChannelId } from '../../wire/ids.ts'
import { type Located, type Seen, withNotes, wordsOf } from '../messages/reading.ts'
import { type Reading, readRow } from '../reading.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import type { Spoken } from './inverting.ts'
import { Packer, Unpacker } from './packed.ts'
import type { RowCache } from './row-cache.ts'
import { gathered, NO_TERMS, SearchIndex, type TailDoc } from './search-index.ts'
import { type Doc, segmentKey } from './segment.ts'
import { calledIn, searchedText, spokenIn } from './terms.ts'

/** Messages in one piece of building: a step of some tens of milliseconds. */
const PIECE = 512
/** Counted up when other words are kept of a message than before, or in another way: then the index is built again. */
const VERSION = 4
const MAX_PARTS = 4096
const PROGRESS = new Uint8Array([...segmentKey(0), 1])
const KEY_BYTES = { messages: 40, threads: 72 } as const

/** Rows that are not in the index yet: those of a partition before a key, or all of it. */
interface Part { readonly kind: 'messages' | 'threads'; readonly channel: ChannelId; readonly before: Uint8Array | undefined }

export class Keeper {
  readonly index: SearchIndex
  private readonly replica: Replica
  /** undefined: not read yet. */
  private rest: readonly Part[] | undefined
  private isWorking = false

  constructor(replica: Replica, cache: RowCache) {
    this.replica = replica
    this.index = new SearchIndex(replica.id, cache)
  }

  /** Keeps what a message says now; of a deleted one nothing. */
  note(turn: Turn, shown: Shown): void { this.index.add(turn, { ...docOf(shown), terms: gathered(spokenOf(shown)) }) }

  /** As `note`, for messages that are new. */
  noteMany(turn: Turn, shown: readonly Shown[]): void {
    this.index.addMany(turn, shown.map((one) => ({ ...docOf(one), terms: spokenOf(one) })))
  }

  /** Reads what there is; where that can't be used, building begins anew. */
  * begin(turn: () => Turn): Reading<void> {
    if (this.rest !== undefined) return
    const row = yield* readRow(this.index.partition, PROGRESS)
    const opened = yield* this.index.open()
    if (this.rest !== undefined) return
    const rest = row === undefined || opened === 'damaged' ? undefined : decodeParts(row.value)
    if (rest === undefined) this.restart(turn()); else this.rest = rest
  }

  restart(turn: Turn): void {
    const channels = [...this.replica.authority.state.channels.keys()]
    this.index.clear(turn)
    this.save(turn, (['threads', 'messages'] as const).flatMap((kind) => channels.map((channel): Part => ({ kind, channel, before: undefined }))))
  }

  private save(turn: Turn, rest: readonly Part[]): void {
    this.rest = rest
    turn.out.put(this.index.partition, PROGRESS, encodeParts(rest))
  }

  /** Only messages placed from here on are in the index; 0: all that are on this device, Infinity: nobody knows yet. */
  builtBackTo(channel: ChannelId | undefined): number {
    if (this.rest === undefined) return Infinity
    const parts = this.rest.filter((part) => channel === undefined || part.channel === channel)
    return Math.max(0, ...parts.map(placeOfPart))
  }

  get hasBegun(): boolean { return this.isWorking || this.rest !== undefined }

  /** Whether `work` should run soon. */
  get isBusy(): boolean { return !this.isWorking && (this.rest === undefined || this.rest.length > 0 || this.index.isBusy()) }

  /** Nothing is being done, and nothing is to be done. */
  get isDone(): boolean { return !this.isWorking && !this.isBusy }

  /** What `work` would do now would only make of many segments fewer: that can wait until nothing more comes in. */
  get mayRest(): boolean { return this.rest?.length === 0 && this.index.mayRest() }

  /** One piece of what is to be done. */
  * work(turn: () => Turn): Reading<void> {
    if (this.isWorking) return
    this.isWorking = true
    yield* this.begin(turn)
    if (this.index.isBusy()) {
      if ((yield* this.index.work(turn)) === 'damaged') this.restart(turn())
    } else yield* this.build(turn)
    this.isWorking = false
  }

  private * build(turn: () => Turn): Reading<void> {
    const part = (this.rest ?? []).reduce<Part | undefined>((a, b) => (a === undefined || placeOfPart(b) > placeOfPart(a) ? b : a), undefined)
    if (part === undefined) return
    const { before, kind, channel } = part
    const [rows = []] = yield [{ partition: `${kind}/${this.replica.id}/${channel}`, query: { ...(before === undefined ? {} : { to: before }), limit: PIECE, reverse: true } }]
    const docs = yield* this.docsOf(channel, rows)
    // Another search may have found the index damaged meanwhile: then this piece is no longer wanted.
    const rest = this.rest ?? []
    if (!rest.includes(part)) return
    this.index.pack(turn(), docs)
    const last = rows.length < PIECE ? undefined : rows.at(-1)?.key
    this.save(turn(), rest.flatMap((p) => (p !== part ? [p] : last === undefined ? [] : [{ ...p, before: last }])))
  }

  private * docsOf(channel: ChannelId, rows: readonly Row[]): Reading<TailDoc[]> {
    const messages = rows.map((row) => decodeMessage(row.value)).filter((record) => record !== undefined).map((record): Located => ({ channel, record }))
    const docs = (yield* withNotes(this.replica, messages, false)).map((seen) => ({ ...docOf(seen), terms: gathered(spokenOf(seen)) }))
    return docs.filter(({ terms }) => terms.size > 0)
  }
}

type Shown = Pick<Seen, 'channel' | 'record' | 'folded'>

const docOf = ({ channel, record }: Shown): Doc => ({ channel, hlc: record.place, inThread: record.thread !== undefined, id: record.id })

function spokenOf(seen: Shown): Spoken {
  const words = wordsOf(seen), { record, channel } = seen
  return words === undefined ? NO_TERMS : spokenIn({ channel, author: record.author, text: searchedText(words), isReply: record.content?.replyTo !== undefined, mentions: calledIn(words) })
}

/** Threads first: their rows don't lie in the order of time, so how far back they reach can't be said until they are done. */
function placeOfPart({ kind, before }: Part): number { return before === undefined || kind === 'threads' ? Infinity : fromU64(before) }

function encodeParts(parts: readonly Part[]): Uint8Array {
  const packer = new Packer()
  packer.number(VERSION)
  for (const { kind, channel, before } of parts) {
    packer.number((kind === 'threads' ? 2 : 0) + (before === undefined ? 0 : 1))
    packer.raw(fromHex(channel) as Uint8Array)
    if (before !== undefined) packer.raw(before)
  }
  return packer.take()
}

function decodeParts(bytes: Uint8Array): Part[] | undefined {
  const packed = new Unpacker(bytes), out: Part[] = []
  if (packed.number() !== VERSION) return undefined
  while (!packed.done && !packed.failed && out.length < MAX_PARTS) {
    const head = packed.number(), channel = parseChannelId(packed.raw(16)), kind = head >= 2 ? 'threads' : 'messages'
    const before = head % 2 === 1 ? packed.raw(KEY_BYTES[kind]) : undefined
    if (head > 3 || channel === undefined) return undefined
    out.push({ kind, channel, before })
  }
  return packed.failed ? undefined : out
}
