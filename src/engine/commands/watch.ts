/** Watching what is said: the window is answered as its question would be, and told from then on. */
import { fail } from '../errors.ts'
import type { Asked, Refusal, Run } from './asked.ts'

export async function watch({ engine, turn, asker }: Asked, c: Run<'watch-messages' | 'grow-window' | 'close-window'>): Promise<Refusal> {
  switch (c.type) {
    case 'watch-messages': return await engine.watching.watch(turn, asker, c.window, c.question) ?? undefined
    case 'grow-window': return await engine.watching.grow(turn, asker, c.window, c.to, c.limit) ?? undefined
    case 'close-window':
      if (!engine.watching.close(asker.client, c.window)) return fail('unknown-window')
      turn.out.reply(asker, {})
      return undefined
  }
}
