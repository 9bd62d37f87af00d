/** Searching what was said. */
import type { Results } from '../../api.ts'
import type { OpId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import type { Reading } from '../reading.ts'
import { type Search, searchFor } from '../search/searching.ts'
import type { Turn } from '../turn.ts'
import type { Asked, Refusal, Run } from './asked.ts'

export async function searchMessages({ engine, turn, asker }: Asked, c: Run<'search-messages'>): Promise<Refusal> {
  const search = searchFor(engine, c, turn.now)
  if ('code' in search) return search
  await engine.questions.follow(turn, (running) => answerFrom(engine, running, search, c.before), (later, found) => (found === undefined ? later.out.refuse(asker, fail('unknown-message')) : later.out.reply(asker, found)))
  return undefined
}

function* answerFrom(engine: Engine, turn: () => Turn, search: Search, before: OpId | undefined): Reading<Results['search-messages'] | undefined> {
  if (before === undefined) return yield* engine.searching.answer(turn, search)
  const from = yield* engine.searching.locate(search.replicas, before)
  return from === undefined ? undefined : yield* engine.searching.answer(turn, { ...search, from })
}
