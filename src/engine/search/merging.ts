/**
 * Makes one segment of several, however large, with little of them in memory: their messages in one order first, a block of each at a time, then term by term what each knows of it. What is
 * ready is saved on the way; until the catalog names it, nobody reads it. The newest messages of a large one can become a small one of their own: where much of what was said has what is sought, as one letter
 * that words begin with, the newest are found in that without reading the large one.
 */
import type { Row } from '../../ports.ts'
import { PAUSE, type Reading } from '../reading.ts'
import type { Turn } from '../turn.ts'
import { countWhile, type List, Lists, readPiece } from './postings.ts'
import { decodeDocs, type Doc, docsKey, eachTerm, type Header, nameOf, newestFirst, type SegmentWriter, termsKey } from './segment.ts'

/** Blocks of one segment that are read at once. */
const BLOCKS_READ = 8
/** What is ready is saved, and others have their turn, after so many bytes, or so many messages of lists. */
const SAVED_BYTES = 128 * 1024, WORKED = 50_000
const GONE = 0xffff_ffff

/** A segment that goes into another one. */
export interface Merged { readonly partition: string; readonly segment: number; readonly age: number; readonly header: Header }

/** Where what comes of them goes: the newest messages, so many, to one, all others to the other. `isLarge`: that is saved on the way, in a partition of its own. */
export interface Into { readonly newest: SegmentWriter; readonly count: number; readonly rest: SegmentWriter; readonly isLarge: boolean }

/**
 * Without the messages in `gone`, and without what a younger one of them says better. 'done': all has been written, though not all of it saved; 'damaged' when one of them is; 'stopped' when `goesOn` says so,
 * asked whenever others had their turn. `turn` gives the step that is running. Of the small one nothing is saved.
 */
export function* merge(turn: () => Turn, segments: readonly Merged[], gone: ReadonlySet<string>, into: Into, goesOn: () => boolean): Reading<'done' | 'damaged' | 'stopped'> {
  // The newest first: then what is added mostly rises.
  const inputs = [...segments].sort((a, b) => (b.header.times[0] ?? 0) - (a.header.times[0] ?? 0)).map((one) => new Input(one)), work = { done: 0 }
  for (const step of [docs, lists]) {
    const pieces = step(inputs, gone, into, work)
    for (let next = pieces.next(); ; ) {
      if (next.done === true) { if (next.value === 'damaged') return 'damaged'; break }
      if (into.isLarge && into.rest.bytes >= SAVED_BYTES) for (const save of into.rest.take()) turn().out.save(save)
      const rows = yield next.value
      if (!goesOn()) return 'stopped'
      next = pieces.next(rows)
    }
  }
  return 'done'
}

/** How far one segment has been read. */
class Input {
  readonly segment: number
  readonly age: number
  readonly header: Header
  /** The number that each of its messages has in the new segment. */
  readonly numbers: Uint32Array
  /** Read so far: the messages, and how many are behind. */
  docs: readonly Doc[] = []
  doc = 0
  private before = 0
  /** Read so far: terms with their pieces. */
  terms: { readonly term: string; readonly piece: Uint8Array; readonly base: number }[] = []
  term = 0
  private block = 0
  private readonly partition: string

  constructor({ partition, segment, age, header }: Merged) {
    this.partition = partition
    this.segment = segment
    this.age = age
    this.header = header
    this.numbers = new Uint32Array(header.docs).fill(GONE)
  }

  get head(): Doc | undefined { return this.docs[this.doc] }
  get number(): number { return this.before + this.doc }
  get nextTerm(): string | undefined { return this.terms[this.term]?.term }

  /** Reads on: all that was read is behind. False: it is damaged. */
  * readDocs(): Reading<boolean> {
    const { header } = this
    const first = this.block, rows = yield* this.read(docsKey, header.times.length)
    const blocks = rows.map((row, n) => decodeDocs(header, first + n, row.value))
    if (rows.length === 0 || !blocks.every((block) => block !== undefined)) return false
    this.before += this.doc
    this.docs = blocks.flat()
    this.doc = 0
    if (this.block === header.times.length) this.block = 0
    return true
  }

  /** Reads on where all that was read is behind; false: it is damaged. */
  * readTerms(): Reading<boolean> {
    const { header } = this
    if (this.term < this.terms.length || this.block >= header.terms.length) return true
    const first = this.block, rows = yield* this.read(termsKey, header.terms.length), terms: Input['terms'] = []
    const isRead = rows.every((row, n) => eachTerm(header, first + n, row.value, (term, piece, base) => { terms.push({ term, piece, base }) }))
    this.terms = terms
    this.term = 0
    return isRead && rows.length > 0
  }

  /** The next blocks, of so many in all: all of those, or none. */
  private * read(keyOf: typeof docsKey, all: number): Reading<readonly Row[]> {
    const from = this.block, to = Math.min(all, from + BLOCKS_READ)
    const [rows = []] = yield [{ partition: this.partition, query: { from: keyOf(this.segment, from), to: keyOf(this.segment, to), limit: to - from } }]
    this.block = to
    return rows.length === to - from ? rows : []
  }
}

type Step = (inputs: readonly Input[], gone: ReadonlySet<string>, into: Into, work: { done: number }) => Reading<'done' | 'damaged'>

const docs: Step = function* (inputs, gone, { newest, count, rest, isLarge }) {
  for (let number = 0; ;) {
    for (const input of inputs) if (input.head === undefined && input.number < input.header.docs && !(yield* input.readDocs())) return 'damaged'
    let next: Doc | undefined
    for (const { head } of inputs) if (head !== undefined && (next === undefined || newestFirst(head, next) < 0)) next = head
    if (next === undefined) return 'done'
    let youngest: Input | undefined
    const same = inputs.filter(({ head }) => head !== undefined && newestFirst(head, next) === 0)
    for (const input of same) if (youngest === undefined || input.age > youngest.age) youngest = input
    if (youngest !== undefined && (gone.size === 0 || !gone.has(nameOf(next)))) {
      youngest.numbers[youngest.number] = number
      if (number++ < count) newest.doc(next); else rest.doc(next)
    }
    for (const input of same) input.doc++
    if (isLarge && rest.bytes >= SAVED_BYTES) yield PAUSE
  }
}

const lists: Step = function* (inputs, _gone, into, work) {
  const scratch = new Lists()
  for (;;) {
    for (const input of inputs) if (input.nextTerm === undefined && !(yield* input.readTerms())) return 'damaged'
    let term: string | undefined
    for (const { nextTerm } of inputs) if (nextTerm !== undefined && (term === undefined || nextTerm < term)) term = nextTerm
    if (term === undefined) return 'done'
    scratch.clear()
    for (const input of inputs) {
      while (input.nextTerm === term) {
        const { piece, base } = input.terms[input.term++] as Input['terms'][number], { numbers } = input
        const isRead = readPiece(term, piece, base, input.header.docs, (number, places) => {
          const is = numbers[number] as number
          work.done++
          if (is !== GONE) scratch.add(is, places)
        })
        // A list may go on in the next block.
        if (!isRead || !(yield* input.readTerms())) return 'damaged'
      }
    }
    if (!scratch.isEmpty) { scratch.end(term); write(into, term, scratch.list(0)) }
    if (work.done >= WORKED || (into.isLarge && into.rest.bytes >= SAVED_BYTES)) { work.done = 0; yield PAUSE }
  }
}

/** To each what it has of a list. */
function write({ newest, count, rest }: Into, term: string, list: List): void {
  const { numbers, places } = list, at = countWhile(numbers, (number) => number < count)
  if (at > 0) newest.list(term, list, 0, at)
  if (at < numbers.length) rest.list(term, { numbers: numbers.subarray(at).map((number) => number - count), places: places.subarray(at) })
}
