/** What the engine asks the disk before it can go on. The rows come with a later step; a restart in between loses the question together with its asker. */
import type { RangeQuery, Row } from '../ports.ts'
import type { Input } from './input.ts'
import { PAUSE, type Reading, type Wanted } from './reading.ts'
import type { Turn } from './turn.ts'

type Compacted = Input & { readonly type: 'compacted' }
type Then = (turn: Turn, answers: readonly (readonly Row[])[]) => void | Promise<void>

export class Questions {
  private readonly open = new Map<string, Then>()
  private readonly measuring = new Map<string, (turn: Turn, bytes: readonly number[]) => void | Promise<void>>()
  private readonly compacting = new Map<string, (turn: Turn, outcome: Compacted) => void | Promise<void>>()
  private next = 1

  ask(turn: Turn, partition: string, query: RangeQuery, then: (turn: Turn, rows: readonly Row[]) => void | Promise<void>): void | Promise<void> {
    return this.askAll(turn, [{ partition, query }], (later, [rows = []]) => then(later, rows))
  }

  /** Asks several things and goes on when all are answered, in the order of the questions; at once where there are none. */
  askAll(turn: Turn, questions: readonly Wanted[], then: Then): void | Promise<void> {
    if (questions.length === 0) return then(turn, [])
    const id = String(this.next++)
    this.open.set(id, then)
    turn.out.read({ tag: `query|${id}`, ranges: questions })
  }

  /** How much room partitions take. */
  measure(turn: Turn, partitions: readonly string[], then: (turn: Turn, bytes: readonly number[]) => void | Promise<void>): void {
    const id = String(this.next++)
    this.measuring.set(id, then)
    turn.out.read({ tag: `query|${id}`, measure: partitions })
  }

  /** Has a piece of the disk tidied. */
  compact(turn: Turn, then: (turn: Turn, outcome: Compacted) => void | Promise<void>): void {
    const id = String(this.next++)
    this.compacting.set(id, then)
    turn.out.read({ tag: `query|${id}`, compact: true })
  }

  async onMeasured(turn: Turn, tag: string, bytes: readonly number[]): Promise<void> { await take(this.measuring, idIn(tag))?.(turn, bytes) }
  async onCompacted(turn: Turn, outcome: Compacted): Promise<void> { await take(this.compacting, idIn(outcome.tag))?.(turn, outcome) }

  /** Goes through a reading, in pieces where it pauses; `start` is given what tells the step that is running, which is a later one after each read. */
  follow<T>(turn: Turn, start: (turn: () => Turn) => Reading<T>, then: (turn: Turn, result: T) => void | Promise<void>): void | Promise<void> {
    let running = turn
    const reading = start(() => running)
    const go: Then = (later, answers) => {
      running = later
      const next = reading.next(answers)
      if (next.done === true) return then(later, next.value)
      return next.value === PAUSE ? this.pause(later, go) : this.askAll(later, next.value, go)
    }
    return go(turn, [])
  }

  /** Lets others have their turn. */
  private pause(turn: Turn, then: Then): void {
    const id = String(this.next++)
    this.open.set(id, then)
    turn.out.wake(`go-on|${id}`, turn.now)
  }

  async onAnswers(turn: Turn, tag: string, answers: readonly (readonly Row[])[]): Promise<void> { await take(this.open, idIn(tag))?.(turn, answers) }
  async goOn(turn: Turn, id: string): Promise<void> { await take(this.open, id)?.(turn, []) }
}

const idIn = (tag: string): string => tag.split('|')[1] ?? ''

function take<T>(open: Map<string, T>, id: string): T | undefined {
  const then = open.get(id)
  open.delete(id)
  return then
}
