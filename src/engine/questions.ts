/** What a command asks the disk before it can answer. The rows come with a later step; a restart in between loses the question together with its asker. */
import type { RangeQuery, Row } from '../ports.ts'
import type { Turn } from './turn.ts'

type Then = (turn: Turn, rows: readonly Row[]) => void | Promise<void>

export class Questions {
  private readonly open = new Map<string, Then>()
  private next = 1

  ask(turn: Turn, partition: string, query: RangeQuery, then: Then): undefined {
    const id = String(this.next++)
    this.open.set(id, then)
    turn.out.read({ tag: `query|${id}`, partition, query })
  }

  async onRows(turn: Turn, id: string, rows: readonly Row[]): Promise<void> {
    const then = this.open.get(id)
    this.open.delete(id)
    await then?.(turn, rows)
  }
}
