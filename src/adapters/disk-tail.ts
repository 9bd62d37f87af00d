/**
 * A short file before a block store, quicker to write than the store is: a small change counts once it is in the file, flushed, and the store follows a moment later.
 *
 *   small change ──> file, flushed: it counts ··· 10 ms ···> store, one transaction ──> the file is emptied
 *   any other    ──> store, with all that it lacks, one transaction: it counts
 *
 * A crash between the two leaves in the file what the store lacks, and the next opening reads it there. An entry says over which head it was written, byte for byte, and no sealed block
 * is ever the same twice: so it is taken only where it goes on from exactly what the store holds, and nothing is of what is torn, from before, or another store's. What is in the blocks the disk looks at itself
 * (disk-pages.ts): a made-up entry is damage like any other. Without its file a disk is as the store has it: older by what a crash left in the file only, which the tally shows (S22).
 *
 *   entry = 1 || length of body (4) || CRC-32 of body (4) || body
 *   body  = (id (16) || length (4) || bytes)*      first the head it was written over, then what is put
 */
import { equal, fromHex, hexAt } from '../wire/bytes.ts'
import { type BlockChange, type BlockId, type BlockStore, checkFence } from './disk-blocks.ts'

/** Bytes of the file: of some twenty messages, of two where heads are long. */
export const TAIL_BYTES = 64 * 1024
/** A larger change is as quick in the store, which would have to take it twice. Its heads don't count: after a history of a million came in each says where some eighty parts of it lie, until they are tidied. */
const MAX_ENTRY_BYTES = 16 * 1024
/** In each entry: the one that it was written over, and the two that are put. */
const HEADS = 3
/** Who waits for a save, and what goes out then, comes first. */
const FOLLOW_MS = 10

const ENTRY = 1, PREFIX_BYTES = 9, ID_BYTES = 16

/** Where it is kept. One program at a time has it. */
export interface TailFile {
  /** All there is, at most TAIL_BYTES. */
  read(): Uint8Array
  /** Durable when it returns; throws where it isn't. */
  write(bytes: Uint8Array, at: number): void
  /** Zeros, as soon as the system likes. Never throws. */
  clear(from: number, to: number): void
  close(): void
}

/** The store with what its tail has beyond it. `pause` resolves after so long. */
export async function withTail(store: BlockStore, tail: TailFile, pause: (ms: number) => Promise<void>): Promise<BlockStore> {
  const blocks = new TailedBlocks(store, tail, pause)
  await blocks.begin()
  return blocks
}

class TailedBlocks implements BlockStore {
  readonly #store: BlockStore
  readonly #tail: TailFile
  readonly #pause: (ms: number) => Promise<void>
  /** What the store lacks. */
  readonly #ahead = new Map<BlockId, Uint8Array>()
  /** The head as the store holds it while it lacks something. */
  #base: BlockChange['fence'] | undefined
  /** Where the next entry begins. */
  #end = 0
  #isDue = false
  #following: Promise<void> | undefined
  /** The tail can't be written, or the store refused what is in it: then a save counts when the store has it. */
  #isOutOfUse = false

  constructor(store: BlockStore, tail: TailFile, pause: (ms: number) => Promise<void>) {
    this.#store = store
    this.#tail = tail
    this.#pause = pause
  }

  async begin(): Promise<void> {
    for (const { change, end } of decodeEntries(this.#tail.read())) {
      const { id, bytes } = change.fence, [held] = await this.readMany([id])
      if (held !== undefined && bytes !== undefined && equal(held, bytes)) this.#take(change, end)
    }
    if (this.#ahead.size > 0) this.#followSoon()
  }

  async readMany(ids: readonly BlockId[]): Promise<(Uint8Array | undefined)[]> {
    if (this.#ahead.size === 0) return this.#store.readMany(ids)
    const ahead = ids.map((id) => this.#ahead.get(id)), asked = ids.filter((_, i) => ahead[i] === undefined)
    const read = asked.length > 0 ? await this.#store.readMany(asked) : []
    let at = 0
    return ahead.map((bytes) => bytes ?? read[at++])
  }

  async write(change: BlockChange): Promise<void> {
    if (this.#append(change)) return
    while (this.#following !== undefined) await this.#following
    const writing = this.#carry(change)
    this.#following = this.#until(writing)
    await writing
  }

  /** Without a head in the store nothing of the tail is taken. */
  isEmpty(): Promise<boolean> { return this.#store.isEmpty() }

  async release(): Promise<boolean> { return await this.#store.release?.() ?? false }

  async close(): Promise<void> {
    while (this.#following !== undefined) await this.#following
    // What it refuses is in the tail when it is opened next.
    await this.#follow()
    this.#tail.close()
    await this.#store.close()
  }

  /** False: it is not for the tail. */
  #append(change: BlockChange): boolean {
    const { puts, deletes, fence } = change, known = this.#ahead.get(fence.id)
    // The first write of all is the store's: that nothing is there means that nothing ever was.
    if (this.#isOutOfUse || deletes.length > 0 || fence.bytes === undefined || !puts.has(fence.id) || (known !== undefined && !equal(known, fence.bytes))) return false
    const bytes = encodeEntry(change), end = this.#end + bytes.length
    if (bytes.length - HEADS * fence.bytes.length > MAX_ENTRY_BYTES || end > TAIL_BYTES) return false
    try { this.#tail.write(bytes, this.#end) } catch {
      // Whatever stands there now must not be read as saved, should the store refuse it.
      this.#tail.clear(this.#end, end)
      this.#isOutOfUse = true
      return false
    }
    this.#take(change, end)
    this.#followSoon()
    return true
  }

  #take({ puts, fence }: BlockChange, end: number): void {
    this.#base ??= fence
    for (const [id, bytes] of puts) this.#ahead.set(id, bytes)
    this.#end = end
  }

  #followSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    void this.#pause(FOLLOW_MS).then(() => { this.#isDue = false; return this.#follow() })
  }

  #follow(): Promise<void> { return this.#following ??= this.#until(this.#carry()) }

  /** Never throws: whoever waits for the work itself is told. */
  async #until(work: Promise<void>): Promise<void> {
    try { await work } catch { this.#isOutOfUse = true }
    this.#following = undefined
  }

  /** What the store lacks goes there, with a change that isn't for the tail, if there is one. What the tail takes meanwhile goes the next time. */
  async #carry(change?: BlockChange): Promise<void> {
    const lacking = new Map(this.#ahead), puts = new Map(lacking), deletes = change?.deletes ?? [], fence = this.#base ?? change?.fence
    if (fence === undefined) return
    if (change !== undefined && lacking.has(change.fence.id)) checkFence(change.fence, lacking.get(change.fence.id))
    for (const id of deletes) puts.delete(id)
    for (const [id, bytes] of change?.puts ?? []) puts.set(id, bytes)
    await this.#store.write({ puts, deletes, fence })
    this.#isOutOfUse = false
    for (const [id, bytes] of lacking) if (this.#ahead.get(id) === bytes) this.#ahead.delete(id)
    if (this.#ahead.size === 0) return this.#empty()
    this.#base = { id: fence.id, bytes: puts.get(fence.id) ?? fence.bytes }
    this.#followSoon()
  }

  /** The store has all: so what was deleted or replaced leaves the file, too. */
  #empty(): void {
    this.#base = undefined
    if (this.#end > 0) this.#tail.clear(0, this.#end)
    this.#end = 0
  }
}

export function encodeEntry({ puts, fence }: BlockChange): Uint8Array {
  const blocks = [[fence.id, fence.bytes ?? new Uint8Array()] as const, ...puts]
  let length = PREFIX_BYTES
  for (const [, bytes] of blocks) length += ID_BYTES + 4 + bytes.length
  const out = new Uint8Array(length), view = new DataView(out.buffer)
  let at = PREFIX_BYTES
  for (const [id, bytes] of blocks) {
    out.set(fromHex(id) as Uint8Array, at)
    view.setUint32(at + ID_BYTES, bytes.length)
    out.set(bytes, at + ID_BYTES + 4)
    at += ID_BYTES + 4 + bytes.length
  }
  out[0] = ENTRY
  view.setUint32(1, length - PREFIX_BYTES)
  view.setUint32(5, crc32(out.subarray(PREFIX_BYTES)))
  return out
}

/** One entry after the other, up to what is none. `end`: where it ends. */
export function* decodeEntries(bytes: Uint8Array): Generator<{ readonly change: BlockChange; readonly end: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at + PREFIX_BYTES <= bytes.length && bytes[at] === ENTRY;) {
    const from = at + PREFIX_BYTES, end = from + view.getUint32(at + 1)
    if (end > bytes.length || crc32(bytes.subarray(from, end)) !== view.getUint32(at + 5)) return
    const blocks = decodeBody(bytes.slice(from, end)), head = blocks?.shift()
    if (blocks === undefined || head === undefined) return
    yield { change: { puts: new Map(blocks), deletes: [], fence: { id: head[0], bytes: head[1] } }, end }
    at = end
  }
}

function decodeBody(body: Uint8Array): [BlockId, Uint8Array][] | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.length), out: [BlockId, Uint8Array][] = []
  for (let at = 0; at < body.length;) {
    const from = at + ID_BYTES + 4, end = from <= body.length ? from + view.getUint32(at + ID_BYTES) : Infinity
    if (end > body.length) return undefined
    out.push([hexAt(body, at, ID_BYTES), body.subarray(from, end)])
    at = end
  }
  return out
}

/** As in ISO 3309 and every zip file: against a write that was torn, not against people. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n })
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = (TABLE[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
