/**
 * Looks for a text where it must not be: in a folder, in recorded traffic, in a database. It looks through the usual disguises (Latin-1, UTF-16, base64, hex)
 * and into LevelDB tables, whose blocks Chromium compresses with Snappy. It can't look into what it doesn't know, so each test that uses it
 * first plants a text in the same place and expects to find that one.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the text was found: names of the places, none when nowhere. */
export function placesOf(text: string, places: Iterable<readonly [name: string, bytes: Buffer]>): string[] {
  const shapes = disguises(text)
  const found: string[] = []
  for (const [name, bytes] of places) {
    for (const [shape, needle] of shapes) if (bytes.includes(needle)) found.push(`${name} (${shape})`)
  }
  return found
}

function disguises(text: string): [string, Buffer][] {
  const raw = Buffer.from(text)
  const shapes: [string, Buffer][] = [['utf-8', raw], ['utf-16', Buffer.from(text, 'utf16le')], ['hex', Buffer.from(raw.toString('hex'))]]
  const latin1 = Buffer.from(text, 'latin1')
  if (!latin1.equals(raw)) shapes.push(['latin1', latin1])
  for (let lead = 0; lead < 3; lead++) {
    const padded = Buffer.concat([Buffer.alloc(lead), raw]).toString('base64').replace(/=+$/, '')
    // The first and last characters also carry bits of the neighbours, whatever they were.
    const certain = padded.slice(lead === 0 ? 0 : lead + 1, -1)
    shapes.push(['base64', Buffer.from(certain)])
    const forUrls = certain.replaceAll('+', '-').replaceAll('/', '_')
    if (forUrls !== certain) shapes.push(['base64url', Buffer.from(forUrls)])
  }
  return shapes
}

/** Every file below a folder, as it is and, where we know how, with its compression taken off. */
export function* filesOf(folder: string): Generator<readonly [name: string, bytes: Buffer]> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    yield [path, bytes]
    yield* valuesIn(path, bytes)
    const inner = /\.(ldb|sst)$/.test(entry.name) ? blocksOf(bytes) : entry.name.endsWith('.log') ? [joined(bytes)] : []
    for (const block of inner) {
      yield [`${path}, a block`, block]
      yield* valuesIn(path, block)
    }
  }
}

/** A LevelDB log (doc/log_format.md of LevelDB) without the 7-byte headers that cut what it holds into pieces of at most 32 KiB. */
function joined(log: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let start = 0; start < log.length; start += 32_768) {
    const block = log.subarray(start, start + 32_768)
    for (let at = 0; at + 7 <= block.length;) {
      const length = block.readUInt16LE(at + 4)
      pieces.push(block.subarray(at + 7, at + 7 + length))
      at += 7 + length
    }
  }
  return Buffer.concat(pieces)
}

/** How Chromium begins a value of IndexedDB that it compressed by itself (blink's idb_value_wrapping.cc), wherever it keeps it. */
const COMPRESSED_VALUE = Buffer.from([0xff, 0x11, 0x02])

function* valuesIn(path: string, bytes: Buffer): Generator<readonly [string, Buffer]> {
  for (let at = bytes.indexOf(COMPRESSED_VALUE); at >= 0; at = bytes.indexOf(COMPRESSED_VALUE, at + 1)) {
    const value = unsnappy(bytes.subarray(at + COMPRESSED_VALUE.length))
    if (value) yield [`${path}, a value`, value]
  }
}

/** The blocks of a LevelDB table (doc/table_format.md of LevelDB): a footer points to the index block, that to the data blocks. */
function* blocksOf(file: Buffer): Generator<Buffer> {
  if (file.length < 48) return
  const footer = new Reader(file.subarray(file.length - 48))
  footer.varint()
  footer.varint()
  const index = blockAt(file, footer.varint(), footer.varint())
  for (const value of index ? valuesOf(index) : []) {
    const handle = new Reader(value)
    const block = blockAt(file, handle.varint(), handle.varint())
    if (block) yield block
  }
}

function blockAt(file: Buffer, offset: number, size: number): Buffer | undefined {
  const bytes = file.subarray(offset, offset + size)
  return file[offset + size] === 1 ? unsnappy(bytes) : bytes
}

function valuesOf(block: Buffer): Buffer[] {
  if (block.length < 4) return []
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4)
  const reader = new Reader(block)
  const values: Buffer[] = []
  while (reader.at < end) {
    reader.varint()
    const ownKeyBytes = reader.varint()
    const valueBytes = reader.varint()
    reader.at += ownKeyBytes
    values.push(block.subarray(reader.at, reader.at + valueBytes))
    reader.at += valueBytes
  }
  return values
}

class Reader {
  at = 0
  private readonly bytes: Buffer
  constructor(bytes: Buffer) { this.bytes = bytes }
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 127) * 2 ** shift
      if (byte < 128) break
    }
    return value
  }
}

/** Snappy's raw format (format_description.txt of Snappy), whatever follows it. undefined when the bytes are something else. */
function unsnappy(packed: Buffer): Buffer | undefined {
  const reader = new Reader(packed)
  const length = reader.varint()
  if (length === 0 || length > 64 * 1024 * 1024) return undefined
  const out = Buffer.alloc(length)
  let filled = 0, at = reader.at
  while (filled < length && at < packed.length) {
    const tag = packed[at++] ?? 0
    const kind = tag & 3
    let size = (tag >> 2) + 1
    if (kind === 0) {
      const extra = size > 60 ? size - 60 : 0
      if (at + extra > packed.length) return undefined
      if (extra > 0) size = packed.readUIntLE(at, extra) + 1
      at += extra
      if (filled + size > length || at + size > packed.length) return undefined
      packed.copy(out, filled, at, at + size)
      at += size
    } else {
      const width = kind === 1 ? 1 : kind === 2 ? 2 : 4
      if (at + width > packed.length) return undefined
      let back = packed.readUIntLE(at, width)
      at += width
      if (kind === 1) { size = ((tag >> 2) & 7) + 4; back += (tag >> 5) << 8 }
      if (back === 0 || back > filled || filled + size > length) return undefined
      for (let i = 0; i < size; i++) out[filled + i] = out[filled + i - back] ?? 0
    }
    filled += size
  }
  return filled === length ? out : undefined
}
