/** The app as people meet it: how long it takes to start, to get in, to be heard; and how much a first visit loads. Builds the app first. */
import { benchSizes } from './sizes.ts'
import { benchStart } from './start.ts'
import { type Figure } from './table.ts'
import { benchTalk } from './talk.ts'
import { benchWorker } from './worker.ts'

export async function benchApp(): Promise<Figure[]> {
  return [...await benchStart(), ...benchSizes(), ...await benchWorker(), ...await benchTalk()]
}
