/**
 * Many ops of one channel and epoch, as members who hold its key give them to each other: their texts and what their headers don't repeat, in columns, deflated. What can be
 * made again from the rest is left out: space, channel, key id, epoch, nonce, padding, ciphertext, hashes, and the links between ops that stand together.
 * Whoever gets it makes the ops anew and knows by their ids, which the signatures cover, that they are the same.
 *
 *   columns = flat length (4) || raw DEFLATE of canonical CBOR [audience, runs, types, seen, numbers, links, texts]
 *   runs    [[device, first number in the channel, how many, op before it or empty], ...]     each a part of one chain, without gaps; the device by its first 8 bytes where
 *           its reader knows it by them, and the op before by its first 16 where its reader has it
 *   types   [type, ...]                  seen    [[authority head, ...], ...]                  what the numbers below point to
 *   numbers one column after the other, LEB128: number in the whole chain (as what it adds to the one before), label (likewise, zigzag), type, seen, kind of link, bytes of text,
 *           whether its signature comes with it
 *   links   ids of ops before in the whole chain, where neither the op before in the channel is it nor the one before in this run
 *   texts   plaintexts, one after the other
 *
 * Sealed around it by engine/sync/packing.ts. One stream holds only what one content key opens: whoever could put text into it has that key and may read the rest of it,
 * so that its length tells nobody who may write what they may not read.
 */
import { deflateSync, Inflate } from 'fflate'
import { concat, fromHex, hexAt, toHex } from './bytes.ts'
import { type Cbor, Cursor, encodeCbor } from './cbor.ts'
import { MAX_CONTENT_BYTES } from './content.ts'
import type { DeviceId, OpId } from './ids.ts'
import { MAX_AUDIENCE, MAX_DEPS, MAX_TYPE_CHARS, type OpHeader } from './op.ts'
import { type DeviceName, NAME_BYTES } from './vector.ts'

/** Bytes of columns before they are deflated: what a few hundred received bytes may make us hold. */
export const MAX_FLAT_BYTES = 1024 * 1024
/** Ops of one stream. */
export const MAX_COLUMN_OPS = 4096
/** Labels from here on, tens of thousands of years ahead, find no room in a column. */
export const MAX_COLUMN_HLC = 2 ** 52
/** The middle: twice as fast as the smallest, and a tenth larger. */
const LEVEL = 4
/** Of little, nobody notices the time that the smallest takes. */
const SMALL_LEVEL = 9, SMALL_BYTES = 64 * 1024
/** Bytes read before it is looked at how much came of them: a thousand times as many at most, in a tenth of a second. Each time costs a fresh buffer. */
const INFLATED_AT_ONCE = 16 * 1024
const FIELDS = 7
/** Of an op's id: that two begin alike nobody can bring about. */
const BEGIN_BYTES = 16
const COLUMNS = 7
/** How an op names the one before it in its whole chain. */
const RUN = 0, CHANNEL = 1, NAMED = 2, FIRST = 3

type Kept = Pick<OpHeader, 'device' | 'seq' | 'prev' | 'chanSeq' | 'chanPrev' | 'deps' | 'type' | 'hlc'>
/** An op with what it says. */
export interface Said extends Kept { readonly id: OpId; readonly text: Uint8Array; readonly isSigned: boolean }
/** By its id, or the first bytes of it; before: the one that stands before it. */
export type Link = OpId | { readonly begin: string } | 'before' | undefined
/** The same as it is read: links within a run are to the op before it, whose id its reader has to make. */
export interface Unlinked extends Omit<Kept, 'device' | 'prev' | 'chanPrev'> {
  readonly device: DeviceName
  readonly prev: Link
  readonly chanPrev: Link
  readonly text: Uint8Array
  readonly isSigned: boolean
}
export interface Columns { readonly audience: number; readonly ops: readonly Unlinked[] }

/** What the reader knows: a device by the first bytes of its id, and of these ops that it has them. */
export interface Reader { nameOf(device: DeviceId): DeviceName; has(id: OpId): boolean }
const STRANGER: Reader = { nameOf: (device) => device, has: () => false }

/** What columns say that they are before they are deflated. */
export const flatBytes = (bytes: Uint8Array): number =>
  bytes.length < 5 ? 0 : (bytes[0] as number) * 0x100_0000 + (bytes[1] as number) * 0x1_0000 + (bytes[2] as number) * 0x100 + (bytes[3] as number)

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

// ---- writing ----

class Numbers {
  private readonly columns: number[][] = Array.from({ length: COLUMNS }, () => [])

  put(column: number, value: number): void {
    const out = this.columns[column] as number[]
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
    out.push(rest)
  }

  bytes(): Uint8Array { return concat(...this.columns.map((column) => Uint8Array.from(column))) }
}

class Table {
  private readonly places = new Map<string, number>()
  readonly items: Cbor[] = []

  place(name: string, item: () => Cbor): number {
    const known = this.places.get(name)
    if (known !== undefined) return known
    this.places.set(name, this.items.length)
    return this.items.push(item()) - 1
  }
}

/** Ops of one channel, audience and epoch, their labels below `MAX_COLUMN_HLC`. Those of one chain that follow each other should stand so. */
export function encodeColumns(audience: number, ops: readonly Said[], reader = STRANGER): Uint8Array {
  const runs: { device: DeviceId; from: number; count: number; before: OpId | undefined }[] = []
  const types = new Table(), seen = new Table(), numbers = new Numbers()
  const links: Uint8Array[] = []
  let before: Said | undefined
  for (const op of ops) {
    let run = runs[runs.length - 1]
    const goesOn = before !== undefined && run !== undefined && op.device === before.device && op.chanSeq === before.chanSeq + 1 && op.chanPrev === before.id && op.seq > before.seq
    if (!goesOn || run === undefined) runs.push((run = { device: op.device, from: op.chanSeq, count: 0, before: op.chanPrev }))
    run.count++
    const link = op.prev === undefined ? FIRST : goesOn && op.prev === before?.id ? RUN : op.prev === op.chanPrev ? CHANNEL : NAMED
    const hlc = op.hlc - (goesOn ? before?.hlc ?? 0 : 0)
    numbers.put(0, op.seq - (goesOn ? before?.seq ?? 0 : 0))
    numbers.put(1, hlc < 0 ? -2 * hlc - 1 : 2 * hlc)
    numbers.put(2, types.place(op.type, () => op.type))
    numbers.put(3, seen.place(op.deps.join(), () => op.deps.map(raw)))
    numbers.put(4, link)
    numbers.put(5, op.text.length)
    numbers.put(6, op.isSigned ? 1 : 0)
    if (link === NAMED && op.prev !== undefined) links.push(raw(op.prev))
    before = op
  }
  const flat = encodeCbor([
    audience, runs.map((r) => [raw(reader.nameOf(r.device)), r.from, r.count, r.before === undefined ? new Uint8Array() : raw(r.before).subarray(0, reader.has(r.before) ? BEGIN_BYTES : 32)]),
    types.items, seen.items, numbers.bytes(), concat(...links), concat(...ops.map((op) => op.text)),
  ])
  const out = deflateSync(flat, { level: flat.length <= SMALL_BYTES ? SMALL_LEVEL : LEVEL })
  return concat(Uint8Array.of(flat.length >>> 24, flat.length >>> 16, flat.length >>> 8, flat.length), out)
}

// ---- reading ----

/** undefined for anything but what is said above. Never throws, never makes more than `MAX_FLAT_BYTES` of it. */
export function decodeColumns(bytes: Uint8Array): Columns | undefined {
  const flat = inflated(bytes)
  if (flat === undefined) return undefined
  const c = new Cursor(flat)
  if (c.list() !== FIELDS) return undefined
  const audience = c.uint()
  const runs = listOf(c, MAX_COLUMN_OPS, readRun)
  const types = listOf(c, 64, (cursor) => { const type = cursor.text(MAX_TYPE_CHARS); return type === '' || (type?.length ?? 0) > MAX_TYPE_CHARS ? undefined : type })
  const seen = listOf(c, MAX_COLUMN_OPS, (cursor) => listOf(cursor, MAX_DEPS, readId))
  const numbers = c.view(MAX_FLAT_BYTES), links = c.view(MAX_FLAT_BYTES), texts = c.view(MAX_FLAT_BYTES)
  if (audience < 0 || audience > MAX_AUDIENCE || runs === undefined || types === undefined || seen === undefined || numbers === undefined || links === undefined || texts === undefined) return undefined
  if (c.at !== flat.length) return undefined
  const count = runs.reduce((sum, run) => sum + run.count, 0)
  const columns = count > MAX_COLUMN_OPS ? undefined : readNumbers(numbers, count)
  if (columns === undefined) return undefined
  const ops = put(runs, types, seen, columns, links, texts)
  return ops === undefined ? undefined : { audience, ops }
}

function inflated(bytes: Uint8Array): Uint8Array | undefined {
  const size = flatBytes(bytes)
  if (size === 0 || size > MAX_FLAT_BYTES) return undefined
  const out = new Uint8Array(size)
  let at = 0
  const inflater = new Inflate((part) => {
    if (part.length <= size - at) out.set(part, at)
    at += part.length
  })
  try {
    // A little at a time: what says it is small may be the beginning of a gigabyte.
    for (let from = 4; from < bytes.length && at <= size; from += INFLATED_AT_ONCE) inflater.push(bytes.subarray(from, from + INFLATED_AT_ONCE), from + INFLATED_AT_ONCE >= bytes.length)
  } catch { return undefined }
  return at === size ? out : undefined
}

interface Run { readonly device: DeviceName; readonly from: number; readonly count: number; readonly before: Exclude<Link, 'before'> }

function readRun(c: Cursor): Run | undefined {
  if (c.list() !== 4) return undefined
  const device = c.view(32), from = c.uint(), count = c.uint(), before = c.view(32)
  if (device === undefined || (device.length !== NAME_BYTES && device.length !== 32) || from < 1 || count < 1 || before === undefined) return undefined
  const name = toHex(device)
  if (from === 1) return before.length === 0 ? { device: name, from, count, before: undefined } : undefined
  if (before.length !== BEGIN_BYTES && before.length !== 32) return undefined
  return { device: name, from, count, before: before.length === 32 ? (toHex(before) as OpId) : { begin: toHex(before) } }
}

function readId(c: Cursor): OpId | undefined {
  const at = c.bytesOf(32)
  return at < 0 ? undefined : (hexAt(c.bytes, at, 32) as OpId)
}

function listOf<T>(c: Cursor, most: number, read: (c: Cursor) => T | undefined): T[] | undefined {
  const length = c.list(), out: T[] = []
  if (length < 0 || length > most) return undefined
  for (let n = 0; n < length; n++) {
    const item = read(c)
    if (item === undefined) return undefined
    out.push(item)
  }
  return out
}

/** So many numbers in each of the columns, and nothing behind them. */
function readNumbers(bytes: Uint8Array, count: number): Float64Array | undefined {
  const out = new Float64Array(count * COLUMNS)
  let at = 0
  for (let n = 0; n < out.length; n++) {
    let value = 0, scale = 1
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined || scale > 2 ** 49) return undefined
      value += (byte & 127) * scale
      if (byte < 128) break
      scale *= 128
    }
    out[n] = value
  }
  return at === bytes.length ? out : undefined
}

function put(runs: readonly Run[], types: readonly string[], seen: readonly (readonly OpId[])[], columns: Float64Array, links: Uint8Array, texts: Uint8Array): Unlinked[] | undefined {
  const count = columns.length / COLUMNS, ops: Unlinked[] = []
  const number = (column: number): number => columns[column * count + ops.length] as number
  let link = 0, text = 0
  for (const run of runs) {
    let seq = 0, hlc = 0
    for (let n = 0; n < run.count; n++) {
      const turned = number(1), kind = number(4), length = number(5), signed = number(6)
      seq += number(0)
      hlc += turned % 2 === 1 ? -(turned + 1) / 2 : turned / 2
      const type = types[number(2)], deps = seen[number(3)], chanPrev = n === 0 ? run.before : 'before'
      const prev = kind === FIRST ? undefined : kind === RUN ? 'before' : kind === CHANNEL ? chanPrev : kind === NAMED && link + 32 <= links.length ? (hexAt(links, link, 32) as OpId) : null
      if (kind === NAMED) link += 32
      if (signed > 1 || type === undefined || deps === undefined || prev === null || (prev === undefined) !== (seq === 1) || (kind === RUN && n === 0)) return undefined
      if (!Number.isSafeInteger(seq) || seq < run.from + n || !Number.isSafeInteger(hlc) || hlc < 0 || hlc >= MAX_COLUMN_HLC || length > MAX_CONTENT_BYTES || text + length > texts.length) return undefined
      ops.push({ device: run.device, seq, prev, chanSeq: run.from + n, chanPrev, deps, type, hlc, text: texts.subarray(text, text + length), isSigned: signed === 1 })
      text += length
    }
  }
  return link === links.length && text === texts.length ? ops : undefined
}
