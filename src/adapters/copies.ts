/**
 * Saving all that is on a disk in one sealed file, and taking such a file onto an empty disk (the format: wire/copy.ts). Both go piece by piece: a copy may be larger than memory.
 *
 * A disk that takes a copy says so in its first transaction and no longer in its last, which also says who is on it; should the process die between the two, `dropHalf` clears it at the next
 * start, and whoever was there is there again.
 */
import { type Copies, type CopyEnd, type Disk, DiskError, type Row, type Save } from '../ports.ts'
import { concat } from '../wire/bytes.ts'
import {
  COPY_PREFACE_BYTES, type CopyRows, decodeCopyHello, decodeCopyPreface, decodeCopyRows, encodeCopyHead, encodeCopyHello, encodeCopyRows, ME_PARTITION, MAX_PIECE_BYTES, PIECE_BYTES, pieceNonce, TAKEN_KEY, TAKING,
} from '../wire/copy.ts'
import { isNewer, migrate } from './disk-forms.ts'
import { squeeze, unsqueeze } from './disk-squeeze.ts'
import { calibrate, encodePassphraseParams, passphraseKey, SALT_BYTES } from './vault-ways.ts'

/** Where copies lie, in a few lines for each platform. */
export interface CopyFiles {
  create(): Promise<NewFile>
  /** undefined: no such file. */
  open(name: string): Promise<OldFile | undefined>
}
export interface NewFile {
  readonly name: string
  write(bytes: Uint8Array): Promise<void>
  /** Durable when it resolves. */
  done(): Promise<void>
  drop(): Promise<void>
}
export interface OldFile {
  readonly size: number
  /** Shorter at the end. */
  read(at: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface CopiesParts { readonly files: CopyFiles; readonly now: () => number }

/** Rows are saved so many bytes at a time: a disk puts as much into its pages at once. */
const SAVE_BYTES = 2 * 1024 * 1024
/** About a person and a device there is a handful. */
const MAX_ME_ROWS = 64
const TAG_BYTES = 16
const LENGTH_BYTES = 4

type Tell = (done: number, all: number) => void

export function createCopies(parts: CopiesParts): Copies { return new FileCopies(parts) }

/** Clears a disk on which a copy was only half taken. */
export async function dropHalf(disk: Disk): Promise<void> {
  if (await disk.get(TAKING.partition, TAKING.key) !== undefined) await disk.save(await drops(disk))
}

const drops = async (disk: Disk): Promise<Save[]> => (await disk.partitions()).filter((partition) => partition !== ME_PARTITION).map((partition) => ({ type: 'drop', partition }))

class FileCopies implements Copies {
  private readonly parts: CopiesParts
  private isCancelled = false

  constructor(parts: CopiesParts) { this.parts = parts }

  cancel(): void { this.isCancelled = true }

  async save(disk: Disk, passphrase: string, tell: Tell): Promise<CopyEnd> {
    this.isCancelled = false
    let file: NewFile | undefined
    try {
      const lock = encodePassphraseParams(crypto.getRandomValues(new Uint8Array(SALT_BYTES)), await calibrate(this.parts.now))
      const key = await passphraseKey(passphrase, lock)
      if (key === undefined) return { type: 'failed' }
      file = await this.parts.files.create()
      const bytes = await this.write(file, new Sealing(key, encodeCopyHead(lock)), disk, tell)
      await file.done()
      return { type: 'done', file: file.name, bytes }
    } catch (error) {
      await file?.drop().catch(() => undefined)
      return endOf(error, 'damaged')
    }
  }

  private async write(file: NewFile, sealing: Sealing, disk: Disk, tell: Tell): Promise<number> {
    let bytes = sealing.head.length
    await file.write(sealing.head)
    // Which piece is the last is known only when there is no other.
    let next = encodeCopyHello({ madeAt: this.parts.now() })
    const put = async (plain: Uint8Array, isLast: boolean): Promise<void> => {
      if (this.isCancelled) throw new Ended('cancelled')
      const piece = await sealing.seal(plain, isLast)
      await file.write(piece)
      bytes += piece.length
    }
    for await (const { partition, rows, done, all } of disk.copy()) {
      for (const some of cut(rows)) {
        await put(next, false)
        next = squeeze(encodeCopyRows({ partition, rows: some }))
      }
      tell(done, all)
    }
    await put(next, true)
    return bytes
  }

  async take(disk: Disk, name: string, passphrase: string, tell: Tell): Promise<CopyEnd> {
    this.isCancelled = false
    let file: OldFile | undefined, hasBegun = false
    try {
      file = await this.parts.files.open(name)
      if (file === undefined) return { type: 'invalid' }
      const from = await Opening.begin(file, passphrase)
      await disk.save([...await drops(disk), { type: 'put', ...TAKING, value: new Uint8Array() }])
      hasBegun = true
      await this.fill(disk, from, tell)
      return { type: 'done', file: name, bytes: file.size }
    } catch (error) {
      if (hasBegun) await dropHalf(disk).catch(() => undefined)
      return endOf(error, 'failed')
    } finally { await file?.close() }
  }

  private async fill(disk: Disk, from: Opening, tell: Tell): Promise<void> {
    let saves: Save[] = [], bytes = 0
    const last: Save[] = [{ type: 'drop', partition: ME_PARTITION }]
    for (let some = await from.next(); some !== undefined; some = await from.next()) {
      if (this.isCancelled) throw new Ended('cancelled')
      const { partition, rows } = some
      for (const row of rows) {
        const isLast = partition === ME_PARTITION
        if (isLast && last.length > MAX_ME_ROWS) throw new Ended('invalid')
        ;(isLast ? last : saves).push({ type: 'put', partition, ...row })
        bytes += row.key.length + row.value.length
      }
      if (bytes < SAVE_BYTES) continue
      await disk.save(saves)
      saves = []
      bytes = 0
      tell(from.at, from.size)
    }
    await disk.save(saves)
    if (await isNewer(disk)) throw new Ended('newer')
    await migrate(disk)
    await disk.save([...last, { type: 'put', partition: ME_PARTITION, key: TAKEN_KEY, value: new Uint8Array() }, { type: 'delete', ...TAKING }])
  }
}

/** Rows of pieces, each of about the size that a piece should have. */
function * cut(rows: readonly Row[]): Generator<readonly Row[]> {
  let from = 0, bytes = 0
  for (const [at, { key, value }] of rows.entries()) {
    if (at > from && bytes + key.length + value.length > PIECE_BYTES) { yield rows.slice(from, at); from = at; bytes = 0 }
    bytes += key.length + value.length
  }
  if (from < rows.length) yield rows.slice(from)
}

/** Seals pieces one after the other. */
class Sealing {
  readonly head: Uint8Array
  private readonly key: CryptoKey
  private count = 0

  constructor(key: CryptoKey, head: Uint8Array) {
    this.key = key
    this.head = head
  }

  async seal(plain: Uint8Array, isLast: boolean): Promise<Uint8Array> {
    const sealed = new Uint8Array(await crypto.subtle.encrypt(how(this.count++, isLast, this.head), this.key, own(plain)))
    const length = new Uint8Array(LENGTH_BYTES)
    new DataView(length.buffer).setUint32(0, sealed.length)
    return concat(length, sealed)
  }
}

/** Opens pieces one after the other. Throws Ended where that can't be done. */
class Opening {
  private readonly file: OldFile
  private readonly key: CryptoKey
  private readonly head: Uint8Array
  at: number
  private count = 0

  private constructor(file: OldFile, key: CryptoKey, head: Uint8Array) {
    this.file = file
    this.key = key
    this.head = head
    this.at = head.length
  }

  get size(): number { return this.file.size }

  static async begin(file: OldFile, passphrase: string): Promise<Opening> {
    const preface = await file.read(0, COPY_PREFACE_BYTES), known = decodeCopyPreface(preface)
    if (known === 'newer') throw new Ended('newer')
    const lock = known && await file.read(COPY_PREFACE_BYTES, known.lockBytes)
    // A file may ask for more memory than there is.
    const key = lock && await passphraseKey(passphrase, lock).catch(() => undefined)
    if (lock === undefined || key === undefined) throw new Ended('invalid')
    const opening = new Opening(file, key, concat(preface, lock)), hello = await opening.piece()
    if (hello === undefined || decodeCopyHello(hello) === undefined) throw new Ended('invalid')
    return opening
  }

  /** undefined: that was all. */
  async next(): Promise<CopyRows | undefined> {
    if (this.at === this.file.size) return undefined
    const plain = unsqueeze(await this.piece() ?? new Uint8Array()), rows = plain && decodeCopyRows(plain)
    if (rows === undefined) throw new Ended('invalid')
    return rows
  }

  private async piece(): Promise<Uint8Array | undefined> {
    const head = await this.file.read(this.at, LENGTH_BYTES)
    const length = head.length === LENGTH_BYTES ? new DataView(head.buffer, head.byteOffset).getUint32(0) : 0
    if (length < TAG_BYTES || length > MAX_PIECE_BYTES + TAG_BYTES) throw new Ended('invalid')
    const sealed = await this.file.read(this.at + LENGTH_BYTES, length)
    if (sealed.length !== length) throw new Ended('invalid')
    const number = this.count++
    this.at += LENGTH_BYTES + length
    const plain = await this.open(number, this.at === this.file.size, sealed)
    if (plain !== undefined || number > 0) return plain
    // The passphrase opens it, and what should follow is cut off; or it is another passphrase.
    throw new Ended(await this.open(number, false, sealed) === undefined ? 'locked' : 'invalid')
  }

  private async open(number: number, isLast: boolean, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    try { return new Uint8Array(await crypto.subtle.decrypt(how(number, isLast, this.head), this.key, own(sealed))) } catch { return undefined }
  }
}

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>
const how = (number: number, isLast: boolean, head: Uint8Array): AesGcmParams => ({ name: 'AES-GCM', iv: own(pieceNonce(number, isLast)), additionalData: own(head) })

/** An end that is nobody's mistake. */
class Ended extends Error {
  readonly end: 'cancelled' | 'locked' | 'invalid' | 'newer'
  constructor(end: Ended['end']) { super(end); this.end = end }
}

function endOf(error: unknown, ofDamage: 'damaged' | 'failed'): CopyEnd {
  if (error instanceof Ended) return { type: error.end }
  if (error instanceof DOMException && error.name === 'QuotaExceededError') return { type: 'full' }
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return { type: 'full' }
  if (!(error instanceof DiskError)) return { type: 'failed' }
  return { type: error.reason === 'full' ? 'full' : error.reason === 'corrupt' ? ofDamage : 'failed' }
}
