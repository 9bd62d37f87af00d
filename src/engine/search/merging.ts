/**
 * Makes one segment of several, however large, with little of them in memory: their messages in one order first, a block of each at a time, then term by term what each knows of it. What is
 * ready is saved on the way; until the catalog names it, nobody reads it. The newest messages of a large one can become a small one of their own: where much of what was said has what is sought, as one letter
 * that words begin with, the newest are found in that without reading the large one.
 */
import type { Row } from '../../ports.ts'
import { PAUSE, type Reading } from '../reading.ts'
import type { Turn } from '../turn.ts'
import { countWhile, type List, Lists, readPiece } from './postings.ts'
import { decodeIds, decodePlaces, type Doc, eachTerm, type Header, idsKey, nameOf, newestFirst, placesKey, type SegmentWriter, termsKey } from './segment.ts'

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

  get number(): number { return this.before + this.doc }
  get hasMoreTerms(): boolean { return this.block < this.header.terms.length }

  /** Reads on: all that was read is behind. False: it is damaged. */
  * readDocs(): Reading<boolean> {
    const { header } = this
    const first = this.block, [places = [], ids = []] = yield* this.read([placesKey, idsKey], header.times.length), docs: Doc[] = []
    for (const [n, row] of places.entries()) {
      const spots = decodePlaces(header, first + n, row.value), names = spots && decodeIds(spots, ids[n]?.value ?? new Uint8Array())
      if (spots === undefined || names === undefined) return false
      for (const [i, { channel, hlc, inThread }] of spots.entries()) docs.push({ channel, hlc, inThread, id: names[i] as string })
    }
    if (docs.length === 0) return false
    this.before += this.doc
    this.docs = docs
    this.doc = 0
    if (this.block === header.times.length) this.block = 0
    return true
  }

  /** Reads on where all that was read is behind; false: it is damaged. */
  * readTerms(): Reading<boolean> {
    const { header } = this
    if (this.term < this.terms.length || this.block >= header.terms.length) return true
    const first = this.block, [rows = []] = yield* this.read([termsKey], header.terms.length), terms: Input['terms'] = []
    const isRead = rows.every((row, n) => eachTerm(header, first + n, row.value, (term, piece, base) => { terms.push({ term, piece, base }) }))
    this.terms = terms
    this.term = 0
    return isRead && rows.length > 0
  }

  /** The next blocks of each kind, of so many in all: of a kind all of those, or none. */
  private * read(kinds: readonly (typeof termsKey)[], all: number): Reading<(readonly Row[])[]> {
    const from = this.block, to = Math.min(all, from + BLOCKS_READ)
    const found = yield kinds.map((keyOf) => ({ partition: this.partition, query: { from: keyOf(this.segment, from), to: keyOf(this.segment, to), limit: to - from } }))
    this.block = to
    return found.map((rows) => (rows.length === to - from ? rows : []))
  }
}

type Step = (inputs: readonly Input[], gone: ReadonlySet<string>, into: Into, work: { done: number }) => Reading<'done' | 'damaged'>

const docs: Step = function* (inputs, gone, into) {
  for (const taken = { docs: 0 }; ;) {
    for (let dry = inputs.find(lacksDocs); dry !== undefined; dry = inputs.find(lacksDocs)) if (!(yield* dry.readDocs())) return 'damaged'
    if (!takeDocs(inputs, gone, into, taken)) return 'done'
    if (into.isLarge && into.rest.bytes >= SAVED_BYTES) yield PAUSE
  }
}

const lacksDocs = (input: Input): boolean => input.doc >= input.docs.length && input.number < input.header.docs

/**
 * Takes messages until one of the inputs has to be read on, or enough is ready; false: there are no more. No generator, here as in `takeLists`, and loops without iterators: what goes through here by the million would
 * be compiled anew with each merge, and leave as much behind as all else that is done with a history.
 */
function takeDocs(inputs: readonly Input[], gone: ReadonlySet<string>, { newest, count, rest, isLarge }: Into, taken: { docs: number }): boolean {
  while (!isLarge || rest.bytes < SAVED_BYTES) {
    let next: Doc | undefined, youngest: Input | undefined
    for (let n = 0; n < inputs.length; n++) {
      const input = inputs[n] as Input, head = input.doc < input.docs.length ? input.docs[input.doc] as Doc : undefined
      if (head === undefined) continue
      const order = next === undefined ? -1 : newestFirst(head, next)
      if (order < 0) next = head
      if (order < 0 || (order === 0 && input.age > (youngest as Input).age)) youngest = input
    }
    if (next === undefined || youngest === undefined) return false
    if (gone.size === 0 || !gone.has(nameOf(next))) {
      youngest.numbers[youngest.number] = taken.docs
      if (taken.docs++ < count) newest.doc(next); else rest.doc(next)
    }
    let isDry = false
    for (let n = 0; n < inputs.length; n++) {
      const input = inputs[n] as Input
      if (input.doc >= input.docs.length || newestFirst(input.docs[input.doc] as Doc, next) !== 0) continue
      input.doc++
      isDry ||= lacksDocs(input)
    }
    if (isDry) break
  }
  return true
}

const lists: Step = function* (inputs, _gone, into, work) {
  for (const merging: Merging = { term: undefined, lists: new Lists() }; ;) {
    for (let dry = inputs.find(lacksTerms); dry !== undefined; dry = inputs.find(lacksTerms)) if (!(yield* dry.readTerms())) return 'damaged'
    const found = takeLists(inputs, into, work, merging)
    if (found !== 'more') return found
    if (work.done >= WORKED || (into.isLarge && into.rest.bytes >= SAVED_BYTES)) { work.done = 0; yield PAUSE }
  }
}

const lacksTerms = (input: Input): boolean => input.term >= input.terms.length && input.hasMoreTerms

/** The term whose list is being put together. */
interface Merging { term: string | undefined; readonly lists: Lists }

/** Goes on with lists until one of the inputs has to be read on, or others should have their turn. */
function takeLists(inputs: readonly Input[], into: Into, work: { done: number }, merging: Merging): 'more' | 'done' | 'damaged' {
  const { lists } = merging
  let numbers: Uint32Array = NO_NUMBERS
  const add = (number: number, places: number): void => {
    const is = numbers[number] as number
    work.done++
    if (is !== GONE) lists.add(is, places)
  }
  while (work.done < WORKED && (!into.isLarge || into.rest.bytes < SAVED_BYTES)) {
    const term = merging.term ??= leastTerm(inputs)
    if (term === undefined) return 'done'
    for (let n = 0; n < inputs.length; n++) {
      const input = inputs[n] as Input
      numbers = input.numbers
      for (let one = input.terms[input.term]; one?.term === term; one = input.term < input.terms.length ? input.terms[input.term] : undefined) {
        input.term++
        if (!readPiece(term, one.piece, one.base, input.header.docs, add)) return 'damaged'
        // The list may go on in the next block.
        if (lacksTerms(input)) return 'more'
      }
    }
    if (!lists.isEmpty) { lists.end(term); write(into, term, lists.list(0)) }
    lists.clear()
    merging.term = undefined
  }
  return 'more'
}

const NO_NUMBERS = new Uint32Array()

function leastTerm(inputs: readonly Input[]): string | undefined {
  let least: string | undefined
  for (let n = 0; n < inputs.length; n++) {
    const { terms, term: at } = inputs[n] as Input, term = at < terms.length ? (terms[at] as Input['terms'][number]).term : undefined
    if (term !== undefined && (least === undefined || term < least)) least = term
  }
  return least
}

/** To each what it has of a list. */
function write({ newest, count, rest }: Into, term: string, list: List): void {
  if (count === 0) return rest.list(term, list)
  const { numbers, places } = list, at = countWhile(numbers, (number) => number < count)
  if (at > 0) newest.list(term, list, 0, at)
  if (at < numbers.length) rest.list(term, { numbers: numbers.subarray(at).map((number) => number - count), places: places.subarray(at) })
}
