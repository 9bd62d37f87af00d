/** What takes long and goes on beside the host's loop: a full check of the disk, and copies of all that is on it. The engine is told now and then how far it is, and at the end. */
import type { Input, Read } from './engine/input.ts'
import type { Copies, CopyEnd, Disk } from './ports.ts'

/** How often at most it is told how far something is. */
const STEPS = 20

/** What the loop doesn't wait for. */
export type Long = Extract<Read, { readonly check: true } | { readonly copy: unknown }>
export const isLong = (read: Read): read is Long => 'check' in read || 'copy' in read

export interface AsideParts {
  readonly disk: Disk
  readonly copies?: Copies
  readonly log: (what: string, error: unknown) => void
}

type Part = (done: number, all: number) => void

/** `tell` takes what the engine is to hear. */
export function goOnWith(parts: AsideParts, read: Long, tell: (input: Input) => void): void {
  if ('check' in read) check(parts, read.tag, tell)
  else copy(parts, read, tell)
}

/** Passes on only so much news that nobody is kept busy by it. */
function nowAndThen(tell: Part): Part {
  let step = -1
  return (done, all) => {
    const now = Math.floor((STEPS * done) / Math.max(all, 1))
    if (now === step) return
    step = now
    tell(done, all)
  }
}

function check({ disk, log }: AsideParts, tag: string, tell: (input: Input) => void): void {
  let last = { done: 0, all: 0 }
  const news = nowAndThen((done, all) => { tell({ type: 'checked', tag, done, all }) })
  disk.check((done, all) => { last = { done, all }; news(done, all) }).then(
    (lost) => tell({ type: 'checked', tag, ...last, damaged: lost.length }),
    (error: unknown) => { log('The disk could not be checked', error); tell({ type: 'checked', tag, ...last, failed: true }) },
  )
}

function copy({ disk, copies }: AsideParts, { tag, copy: asked }: Extract<Long, { readonly copy: unknown }>, tell: (input: Input) => void): void {
  if (asked.type === 'cancel') { copies?.cancel(); return }
  const news = nowAndThen((done, all) => { tell({ type: 'copied', tag, done, all }) })
  const run = (): Promise<CopyEnd> | undefined => (asked.type === 'save' ? copies?.save(disk, asked.passphrase, news) : copies?.take(disk, asked.file, asked.passphrase, news))
  void (run() ?? Promise.resolve<CopyEnd>({ type: 'failed' })).then((end) => { tell({ type: 'copied', tag, end }) })
}

/** What the disk says to the engine. */
export async function readFrom(disk: Disk, read: Exclude<Read, Long>): Promise<Input> {
  const { tag } = read
  if ('query' in read) return { type: 'rows', tag, rows: await disk.range(read.partition, read.query) }
  if ('ranges' in read) return { type: 'answers', tag, answers: await Promise.all(read.ranges.map(({ partition, query }) => disk.range(partition, query))) }
  if ('mend' in read) { await disk.mend(); return { type: 'mended', tag } }
  // Tidying can wait: a disk that is full, or failed, is no reason to begin anew.
  if ('compact' in read) return disk.compact().then((more) => ({ type: 'compacted', tag, more }), () => ({ type: 'compacted', tag, more: false, failed: true }))
  const bytes: number[] = []
  for (const partition of read.measure) bytes.push(await disk.size(partition))
  return { type: 'measured', tag, bytes }
}
