/**
 * The disk proper: ordered rows in named partitions over any block store, sealed, in as few blocks as possible.
 *
 *   head ──> journal records   what was saved lately, in order, whatever number of rows and partitions it touches
 *     ├────> runs              older: what came in of a partition by the thousand, its keys anywhere (disk-runs.ts)
 *     └────> tree of pages     everything else (disk-tree.ts), 128 rows a page
 *   note ──> pages             those that are read at an opening: a hint, which nothing rests on (disk-opening.ts)
 *
 * A save seals its rows into a journal record, or a few if it is long, and writes them with a new head: one transaction, however large the disk is.
 * When the journal has grown, it is folded into the pages, again in one transaction: later while much comes in, so that a page takes many rows
 * each time it is written. Reading looks into the journal's rows, which are all in memory, and into the tree.
 *
 * The head names the root and the journal's records, every page names its children, and no id but the head's is used for two contents. So whatever is
 * flipped, swapped, dropped or rolled back in the store fails to open under its name, and is told as 'corrupt' instead of read as data.
 * Only the whole store put back as it once was passes: nothing inside a store can prove that it is the latest.
 *
 * What a person can do without is mended where it is found. There are two heads, written together, and a spare one that is written when pages are: one that is good is enough, the one that
 * counts more writes is taken, and records that it doesn't know yet are read on. From a damaged record of the journal on nothing is believed: the disk is then as it was before that was saved, says so among its losses, and whoever keeps a
 * tally elsewhere (engine/tally.ts) notices as with any disk that was put back.
 */
import { type Copied, type Disk, DiskError, type Lost, type RangeQuery, type Row, type Save } from '../ports.ts'
import { fromHex } from '../wire/bytes.ts'
import { afterPrefix, encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { encodeNumber } from '../wire/records.ts'
import { type BlockId, type BlockStore } from './disk-blocks.ts'
import { PageCache, pagesFrom } from './disk-cache.ts'
import { decodeHead, decodeRecord, encodeHead, encodeJournal, encodePage, encodeRecords, entryBytes, type Head, type JournalRecord, sumBytes } from './disk-format.ts'
import { asDiskError, closedError, unlessCorrupt } from './disk-errors.ts'
import { copyOf, namesIn } from './disk-copy.ts'
import { FORM } from './disk-forms.ts'
import { checkQuery, checkSaves, mergeRange, NO_EDITS, type Overlay, OVERLAY_START, type OverlayPlace, overlaySaves, partOf } from './disk-overlay.ts'
import { type AllMended, mendAll, type TellProgress } from './disk-mend.ts'
import { carry, type Carrying, type Pieces, PIECES } from './disk-carry.ts'
import { EVERYTHING, fold, measureTrees, rowsIn, SCATTERED, type Scattered, type TreesChange } from './disk-runs.ts'
import { OPENING_MS, OpeningPages } from './disk-opening.ts'
import { behind, firstHeld, type Held, type PageSource } from './disk-tree.ts'
import { squeeze } from './disk-squeeze.ts'
import { createSealer, type Sealer } from './seal-blocks.ts'

/** Journal records before they are folded: each costs a read at the next start. */
const FOLD_RECORDS = 64
/** Bytes of the journal before it is folded: they stay in memory. */
const FOLD_BYTES = 256 * 1024
/** Bytes of one journal record before the next is begun. Chromium keeps values from 64 KiB on in a file each, which is slow. */
const RECORD_BYTES = 48 * 1024
/** A save of this many bytes is one of many, as when a history comes in: the next save that is not folds what they left. */
const BULK_BYTES = RECORD_BYTES
/** Bytes of the journal before it is folded between such saves: they stay in memory, are read again at a start right after a crash, and whoever writes something waits while they are laid into pages. */
const BULK_FOLD_BYTES = 4 * 1024 * 1024
/** A save of this many bytes goes into the pages at once: writing it to the journal first would write it twice. */
const DIRECT_BYTES = 512 * 1024

/** How long the journal may become. */
interface Limit { readonly records: number; readonly bytes: number }
const USUAL: Limit = { records: FOLD_RECORDS, bytes: FOLD_BYTES }
const BULK: Limit = { records: 4 * FOLD_RECORDS, bytes: BULK_FOLD_BYTES }
/** What may stay in it when nothing more comes. */
const AT_REST: Limit = { records: FOLD_RECORDS / 2, bytes: 64 * 1024 }
/** At least this part of all there is has come in: then writing most pages anew is worth it. */
const MUCH_SHARE = 8
/** Without a save for so long the disk is at rest; who reads is not kept waiting until they have stopped for so long. Between two pieces of tending it others have their turn. */
const REST_MS = 3000, READ_REST_MS = 500, PIECE_PAUSE_MS = 50
/** When folding keeps failing, saves wait for it from here on, and fail as it does: the journal must not grow for ever. */
const FULL: Limit = { records: 5 * FOLD_RECORDS, bytes: 2 * BULK_FOLD_BYTES }

/** Saves that wait for the one being written are written together, up to this many bytes. */
const GROUP_BYTES = 1024 * 1024
const CACHE_BYTES = 9 * 1024 * 1024

export interface PagedDiskOptions {
  /** Bytes of opened pages kept in memory. */
  readonly cacheBytes?: number
  /** Resolves after so long. With it the disk tends itself when it is left alone, so that whoever opens it next has little to replay and finds rows in few places. */
  readonly pause?: (ms: number) => Promise<void>
  /** Tests have fewer rows. */
  readonly scattered?: Scattered
  readonly pieces?: Pieces
}

/** Everything a reader needs, as of one write. Never changed, only replaced: a reader keeps what it started with. */
interface State {
  readonly head: Head
  /** The first head as it lies in the store: what the next write expects to find there. */
  readonly sealedHead: Uint8Array | undefined
  readonly overlay: Overlay
  readonly journalBytes: number
}

interface Pending { readonly saves: readonly Save[]; readonly bytes: number; readonly resolve: () => void; readonly reject: (error: DiskError) => void }

/** Opens the disk kept in `store` under a data key of 32 bytes. Rejects with DiskError: 'corrupt' when the head or the journal is damaged. */
export async function openPagedDisk(store: BlockStore, dataKey: Uint8Array, options: PagedDiskOptions = {}): Promise<Disk> {
  const disk = new PagedDisk(store, createSealer(dataKey), options)
  try {
    await disk.open()
  } catch (error) {
    await store.close()
    throw error
  }
  return disk
}

class PagedDisk implements Disk {
  readonly #store: BlockStore
  readonly #sealer: Sealer
  /** The first is what writers fence with; the last is the spare one. */
  readonly #headIds: readonly [BlockId, BlockId, BlockId]
  readonly #pages: PageCache
  readonly #scattered: Scattered
  readonly #pieces: Pieces
  readonly #pause: PagedDiskOptions['pause']
  #isResting = false
  /** Bytes that went into pages since all was tidied; of what came before the disk was opened, those that lie in runs. */
  #came = 0
  #reads = 0
  #state: Promise<State> | undefined
  #pending: Pending[] = []
  #writing: Promise<void> | undefined
  #isClosed = false
  /** While a copy is being read its pages stay: nothing is folded. */
  #copying: Promise<void> | undefined
  /** How far tidying has come; from the start again when it is through. */
  #tidiedTo: Uint8Array = new Uint8Array()
  #carrying: Carrying | undefined
  #folded: { readonly of: Overlay; readonly next: OverlayPlace } | undefined
  /** What blocks hold. undefined for one that isn't there, or is damaged. */
  readonly #contents = async (ids: readonly BlockId[]): Promise<(Uint8Array | undefined)[]> => {
    const sealed = await this.#store.readMany(ids)
    return Promise.all(ids.map((id, i) => this.#open(id, sealed[i])))
  }
  /** As they lie in the store, whatever the cache remembers. */
  readonly #stored: PageSource
  readonly #opening: OpeningPages

  constructor(store: BlockStore, sealer: Sealer, { cacheBytes = CACHE_BYTES, scattered = SCATTERED, pieces = PIECES, pause }: PagedDiskOptions) {
    this.#store = store
    this.#sealer = sealer
    this.#headIds = [sealer.idOf('head', 0), sealer.idOf('head', 1), sealer.idOf('head', 2)]
    this.#opening = new OpeningPages(sealer.idOf('opening', 0), this.#contents)
    this.#stored = pagesFrom(this.#contents, sealer)
    this.#pages = new PageCache(pagesFrom((ids) => this.#opening.contentsOf(ids), sealer), cacheBytes)
    this.#scattered = scattered
    this.#pieces = pieces
    this.#pause = pause
  }

  async open(): Promise<void> {
    const state = await this.#current()
    // From its first moment a store has a head, so that a store whose head is gone is never taken for a new one.
    if (state.sealedHead === undefined) await this.#fold(state, state.overlay)
    // Its pages are not squeezed. The next head that is written says nothing of that any more.
    if (state.head.version === 1 && await this.get(FORM.partition, FORM.key) === undefined) await this.save([{ type: 'put', ...FORM, value: encodeNumber(1) }])
    this.#came += sumBytes(state.head.runs, ({ bytes }) => bytes)
    void this.#tendAtRest()
    // Without a sense of time nothing is noted. What fails is noted when pages are next written.
    this.#pause?.(OPENING_MS).then(async () => this.#opening.end(this.#pages, (await this.#current()).head)).catch(() => undefined)
  }

  save(saves: readonly Save[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closedError()
      const bytes = checkSaves(saves)
      if (saves.length === 0) { resolve(); return }
      this.#pending.push({ saves, bytes, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async get(partition: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    const rows = await this.#read(state => this.#range(state, partition, { from: key, to: behind(key), limit: 1 }))
    return rows[0]?.value
  }

  async range(partition: string, query: RangeQuery): Promise<Row[]> {
    checkQuery(query)
    return this.#read(state => this.#range(state, partition, query))
  }

  size(partition: string): Promise<number> {
    const prefix = partitionPrefix(partition)
    return this.#read(async state => {
      const { isDropped, entries } = state.overlay.get(partition) ?? NO_EDITS
      return sumBytes(entries, entryBytes) + (isDropped ? 0 : await measureTrees(this.#pages, state.head, { from: prefix, to: afterPrefix(prefix) }, partition))
    })
  }

  partitions(): Promise<string[]> { return this.#read(state => namesIn(this.#pages, state.head, state.overlay)) }

  async * copy(): AsyncGenerator<Copied> {
    let end: () => void = () => undefined
    const state = await this.#alone(async () => {
      this.#copying = new Promise(resolve => { end = resolve })
      return this.#current()
    })
    try {
      const all = await measureTrees(this.#pages, state.head, EVERYTHING) + state.journalBytes
      yield * copyOf(await namesIn(this.#pages, state.head, state.overlay), async (partition, query) => {
        if (this.#isClosed) throw closedError()
        return this.#range(state, partition, query)
      }, all)
    } finally {
      this.#copying = undefined
      end()
    }
  }

  compact(): Promise<boolean> { return this.#alone(() => this.#tidy()) }

  /** First what the journal holds goes into pages, then what lies in runs, then what pages hold back goes down, one page a time: old rows are overwritten only in leaves. */
  async #tidy(): Promise<boolean> {
    const state = await this.#current()
    if (state.overlay.size > 0) { await this.#foldPiece(state); return true }
    const carried = await carry(this.#pages, state.head, this.#carrying, this.#pieces)
    if (carried?.change !== undefined) await this.#replace(state, carried.change)
    this.#carrying = carried?.carrying
    if (carried !== undefined) return true
    const held = await firstHeld(this.#pages, state.head.root, this.#tidiedTo)
    this.#tidiedTo = held?.key ?? new Uint8Array()
    if (held === undefined) return await this.#store.release?.() ?? false
    await this.#fold(state, state.overlay, held)
    return true
  }

  async check(tell?: TellProgress): Promise<readonly Lost[]> {
    if (this.#isClosed) throw closedError()
    const { head } = await this.#current()
    const found = await mendAll(this.#stored, head, tell)
    await this.#alone(() => this.#tend())
    // Pages that were written anew meanwhile are gone from where they were: only while nothing is written can that be told from damage.
    return found.lost.length === 0 ? [] : this.#alone(async () => (await mendAll(this.#stored, (await this.#current()).head)).lost)
  }

  /** Heads and journal as they lie there. What is in memory of them is whole: so it is written anew, and nothing is lost. */
  async #tend(): Promise<void> {
    const state = await this.#current(), ids = [...this.#headIds, ...this.#journalIds(state.head)], sealed = await this.#store.readMany(ids)
    const opened = await Promise.all(ids.map((id, i) => this.#open(id, sealed[i])))
    if (opened.includes(undefined)) await this.#fold(state, state.overlay).catch(unlessCorrupt)
  }

  mend(): Promise<readonly Lost[]> {
    return this.#alone(async () => {
      const state = await this.#current()
      const mended = await mendAll(this.#stored, state.head)
      if (mended.lost.length > 0) await this.#cutOut(state, mended)
      return mended.lost
    })
  }

  /** The loss is noted in the same transaction. */
  async #cutOut(state: State, { root, runs, written, deleted, lost }: AllMended): Promise<void> {
    this.#carrying = undefined
    const head = { ...state.head, writes: state.head.writes + 1, root, runs }
    const noted = this.#noteOf(lost)
    const contents = new Map([[this.#journalId(head.writes), noted]])
    for (const [id, page] of written) contents.set(id, squeeze(encodePage(page)))
    await this.#write(state, head, this.#withSpare(head, contents), deleted, overlaySaves(state.overlay, (decodeRecord(noted) as JournalRecord).saves), state.journalBytes + noted.length)
    for (const id of deleted) this.#pages.delete(id)
  }

  /** Runs while nothing is written: saves that come meanwhile wait, as they do for each other. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#writing !== undefined || this.#copying !== undefined) await (this.#writing ?? this.#copying)
    if (this.#isClosed) throw closedError()
    const running = work().catch((error: unknown) => { this.#state = undefined; throw asDiskError(error) })
    this.#writing = running.then(() => undefined, () => undefined).then(() => this.#writeAll())
    return running
  }

  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#writing !== undefined) await this.#writing
    await this.#store.close()
  }

  /** The state, read from the store when there is none: at the start, and after a failed write, when memory can't be trusted. */
  #current(): Promise<State> {
    if (this.#state === undefined) {
      const loading = this.#load()
      this.#state = loading
      loading.catch(() => { if (this.#state === loading) this.#state = undefined })
    }
    return this.#state
  }

  async #load(): Promise<State> {
    this.#carrying = undefined
    const sealed = await this.#store.readMany(this.#pause === undefined ? this.#headIds : [...this.#headIds, this.#opening.id]), noted = this.#open(this.#opening.id, sealed[3])
    const found = await Promise.all(this.#headIds.map((id, i) => this.#openHead(id, sealed[i])))
    let head: Head | undefined
    for (const one of found) {
      if (one === undefined) continue
      if ('newer' in one) throw new DiskError('failed', `A newer version of the program wrote this disk (format ${one.newer}). Update, then open it.`)
      if (head === undefined || one.writes > head.writes) head = one
    }
    // Programs from before leave the spare one as it is: then the journal that it knows is gone.
    const isSpare = head !== undefined && head === found[2], record = head && this.#journalId(head.journalFrom)
    if (isSpare && record !== undefined && await this.#open(record, (await this.#store.readMany([record]))[0]) === undefined) head = undefined
    if (head !== undefined) return this.#loadJournal(head, sealed[0], noted)
    if (sealed.slice(0, 3).some(bytes => bytes !== undefined)) throw new DiskError('corrupt', 'The head of the disk is damaged, or belongs to another key.')
    if (!await this.#store.isEmpty()) throw new DiskError('corrupt', 'The disk has blocks and no head.')
    return { head: { writes: 0, root: undefined, runs: [], journalFrom: 1 }, sealedHead: undefined, overlay: new Map(), journalBytes: 0 }
  }

  async #openHead(id: BlockId, sealed: Uint8Array | undefined): Promise<ReturnType<typeof decodeHead>> {
    const opened = await this.#open(id, sealed)
    return opened && decodeHead(opened)
  }

  async #loadJournal(head: Head, sealedHead: Uint8Array | undefined, noted: Promise<Uint8Array | undefined>): Promise<State> {
    const known = this.#journalIds(head), reading = this.#store.readMany([...known, this.#journalId(head.writes + 1)])
    // Behind the journal: of the two, that is what is waited for first.
    this.#opening.fetch(await noted)
    const sealed = await reading
    // Side by side: each waits for the browser's own threads, and there may be as many as are kept before they are folded.
    const opening = known.map((id, at) => this.#open(id, sealed[at]))
    const records: (JournalRecord & { readonly bytes: Uint8Array })[] = []
    let isWhole = true
    // Those after the head's last were written with a later head, which both its places have lost.
    for (let at = 0; at < known.length || sealed[at] !== undefined; at++) {
      const bytes = await (opening[at] ?? this.#open(this.#journalId(head.journalFrom + at), sealed[at])), record = bytes && decodeRecord(bytes)
      isWhole &&= record !== undefined
      // A fold leaves a record with nothing in it, and takes away what an older head would need.
      if (at >= known.length && record?.saves.length === 0) throw new DiskError('corrupt', 'The head of the disk is older than its pages.')
      if (at >= known.length) sealed.push(...await this.#store.readMany([this.#journalId(head.journalFrom + at + 1)]))
      if (isWhole && record !== undefined && bytes !== undefined) records.push({ ...record, bytes })
    }
    const last = { ...head, writes: head.journalFrom + sealed.length - 2 }
    // A save is there whole or not at all.
    while (records.at(-1)?.isUnfinished) { records.pop(); isWhole = false }
    const overlay = overlaySaves(new Map(), records.flatMap(({ saves }) => saves))
    const state = { head: last, sealedHead, overlay, journalBytes: sumBytes(records, ({ bytes }) => bytes.length) }
    return isWhole ? state : this.#cutJournal(state, records.map(({ bytes }) => bytes))
  }

  /** The records before the damage under new numbers, and a note of the loss. Pages stay as they are: they may be damaged, too. */
  async #cutJournal({ head, sealedHead, overlay, journalBytes }: State, good: readonly Uint8Array[]): Promise<State> {
    const place = partitionPrefix('journal'), noted = this.#noteOf([{ from: place, to: place }]), records = [...good, noted]
    const cut = { ...head, journalFrom: head.writes + 1, writes: head.writes + records.length }
    const contents = new Map(records.map((record, i) => [this.#journalId(cut.journalFrom + i), record]))
    return this.#put(sealedHead, cut, this.#withSpare(cut, contents), this.#journalIds(head), overlaySaves(overlay, (decodeRecord(noted) as JournalRecord).saves), journalBytes + noted.length)
  }

  /** A journal record that says what was lost: whoever reads the disk afterwards knows of it. */
  #noteOf(lost: readonly Lost[]): Uint8Array {
    return encodeJournal(lost.map((loss) => ({ type: 'put', partition: LOST_PARTITION, key: fromHex(this.#sealer.newId()) as Uint8Array, value: encodeLoss(loss) })))
  }

  #journalId(number: number): BlockId { return this.#sealer.idOf('journal', number) }

  #journalIds(head: Head): BlockId[] {
    return Array.from({ length: head.writes - head.journalFrom + 1 }, (_, i) => this.#journalId(head.journalFrom + i))
  }

  async #open(id: BlockId, sealed: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    return sealed === undefined ? undefined : this.#sealer.open(id, sealed)
  }

  /** Runs a read on one state. Pages of an older state go away when the journal is folded meanwhile: then it reads again. */
  async #read<T>(read: (state: State) => Promise<T>): Promise<T> {
    this.#reads++
    for (;;) {
      if (this.#isClosed) throw closedError()
      const before = await this.#current()
      try {
        return await read(before)
      } catch (error) {
        if (await this.#current() === before) throw error
      }
    }
  }

  async #range(state: State, partition: string, query: RangeQuery): Promise<Row[]> {
    this.#opening.asked(partition, query)
    return mergeRange(state.overlay.get(partition) ?? NO_EDITS, query, (wanted) => rowsIn(this.#pages, state.head, partition, query, wanted))
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const group = this.#nextGroup()
      if (group.length === 0) {
        // Here and not a moment later: a save in between would wait for a writer that has gone home.
        this.#writing = undefined
        void this.#tendAtRest()
        return
      }
      const bytes = sumBytes(group, one => one.bytes)
      try {
        await this.#commit(group.flatMap(one => one.saves), bytes)
        for (const one of group) one.resolve()
      } catch (error) {
        this.#state = undefined
        for (const one of group) one.reject(asDiskError(error))
        continue
      }
      try {
        await this.#foldIfGrown(this.#copying !== undefined ? FULL : bytes < BULK_BYTES ? USUAL : BULK)
      } catch {
        // Nothing is lost: the journal stays as it is, and folding is tried again after the next save.
        this.#state = undefined
      }
    }
  }

  /** While nothing is saved: the journal goes into pages, and where much has come in all is tidied, piece by piece. What fails leaves everything as it is, and the next save leads here again. */
  async #tendAtRest(): Promise<void> {
    if (this.#pause === undefined || this.#isResting) return
    this.#isResting = true
    try {
      for (let before: State | undefined, reads = this.#reads; !this.#isClosed;) {
        const state = await this.#current(), isLong = isGrown(state, AT_REST)
        if (!isLong && this.#came === 0) return
        const restMs = state !== before ? REST_MS : this.#reads !== reads ? READ_REST_MS : 0
        before = state
        reads = this.#reads
        if (restMs > 0) { await this.#pause(restMs); continue }
        if (!isLong && this.#came * MUCH_SHARE < await measureTrees(this.#pages, state.head, EVERYTHING)) return
        if (!await this.#alone(() => this.#tidy())) this.#came = 0
        before = await this.#current()
        await this.#pause(PIECE_PAUSE_MS)
      }
    } catch { /* Whoever reads or saves next is told. */ } finally { this.#isResting = false }
  }

  #nextGroup(): Pending[] {
    let bytes = 0, count = 0
    for (const one of this.#pending) {
      bytes += one.bytes
      if (count > 0 && bytes > GROUP_BYTES) break
      count += 1
    }
    return this.#pending.splice(0, count)
  }

  async #commit(saves: readonly Save[], bytes: number): Promise<void> {
    await this.#foldIfGrown(FULL)
    const state = await this.#current()
    if (bytes >= DIRECT_BYTES && this.#copying === undefined) { this.#came += bytes; return this.#fold(state, overlaySaves(state.overlay, saves)) }
    // The caller may do with its arrays what it likes.
    const { records, kept } = encodeRecords(saves, RECORD_BYTES), overlay = overlaySaves(state.overlay, kept)
    const head = { ...state.head, writes: state.head.writes + records.length }
    const contents = new Map(records.map((record, i) => [this.#journalId(state.head.writes + 1 + i), record]))
    await this.#write(state, head, contents, [], overlay, state.journalBytes + sumBytes(records, record => record.length))
  }

  async #foldIfGrown(limit: Limit): Promise<void> {
    const state = await this.#current()
    if (isGrown(state, limit)) await this.#fold(state, state.overlay)
  }

  /** Moves what the overlay holds into pages and empties the journal. */
  async #fold(state: State, overlay: Overlay, held?: Held): Promise<void> {
    await this.#copying
    this.#came += state.journalBytes
    await this.#replace(state, await fold(this.#pages, state.head, overlay, this.#scattered, held))
  }

  /** A piece of folding while nobody waits. The journal stays until all of it lies in pages: whoever begins again lays the same rows there once more. */
  async #foldPiece(state: State): Promise<void> {
    const { part, next } = partOf(state.overlay, this.#folded?.of === state.overlay ? this.#folded.next : OVERLAY_START, this.#pieces.foldBytes)
    if (next === undefined) this.#came += state.journalBytes
    await this.#replace(state, await fold(this.#pages, state.head, part, this.#scattered, undefined, 0), next !== undefined)
    this.#folded = next && { of: state.overlay, next }
  }

  /** Other pages in the place of some, and of the journal unless that stays. */
  async #replace(state: State, { root, runs, written, deleted }: TreesChange, isJournalKept = false): Promise<void> {
    const writes = state.head.writes + 1
    // A record with nothing in it: every write leaves one, or an older head would pass for the latest.
    const encoded = [...written].map(([id, page]) => ({ id, type: page.type, bytes: encodePage(page) })), contents = new Map([[this.#journalId(writes), encodeJournal([])], ...encoded.map(({ id, bytes }) => [id, squeeze(bytes)] as const)])
    const head = { writes, root, runs, journalFrom: isJournalKept ? state.head.journalFrom : writes }
    const gone = isJournalKept ? deleted : [...deleted, ...this.#journalIds(state.head)]
    await this.#opening.follow(this.#pages, head, written)
    await this.#write(state, head, this.#withSpare(head, contents), gone, isJournalKept ? state.overlay : new Map(), isJournalKept ? state.journalBytes : 0)
    for (const id of deleted) this.#pages.delete(id)
    // Not the pages themselves: their rows lie where they came from, such as in what was saved with them, and all of that would be kept.
    for (const { id, type, bytes } of encoded) this.#pages.setEncoded(id, type, bytes)
  }

  #withSpare(head: Head, contents: ReadonlyMap<BlockId, Uint8Array>): ReadonlyMap<BlockId, Uint8Array> { return new Map([...contents, [this.#headIds[2], encodeHead(head)]]) }

  async #write(state: State, head: Head, contents: ReadonlyMap<BlockId, Uint8Array>, deletes: readonly BlockId[], overlay: Overlay, journalBytes: number): Promise<void> {
    this.#state = Promise.resolve(await this.#put(state.sealedHead, head, contents, deletes, overlay, journalBytes))
  }

  /** One transaction. Everything is sealed before it begins: IndexedDB commits a transaction that waits for anything else. */
  async #put(
    before: Uint8Array | undefined, head: Head, contents: ReadonlyMap<BlockId, Uint8Array>, deletes: readonly BlockId[], overlay: Overlay, journalBytes: number,
  ): Promise<State> {
    const [first, second] = this.#headIds, encoded = encodeHead(head), note = this.#opening.unsaved
    // Both each time: an older one could not tell that the last record is gone.
    const all = [[first, encoded] as const, [second, encoded] as const, ...contents, ...note]
    const puts = new Map(await Promise.all(all.map(async ([id, content]) => [id, await this.#sealer.seal(id, content)] as const)))
    await this.#store.write({ puts, deletes, fence: { id: first, bytes: before } })
    if (note.length > 0) this.#opening.isSaved()
    return { head, sealedHead: puts.get(first), overlay, journalBytes }
  }
}

const isGrown = ({ head, journalBytes }: State, { records, bytes }: Limit): boolean => head.writes - head.journalFrom >= records || journalBytes >= bytes
