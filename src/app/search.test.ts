import { expect, test } from 'vitest'
import type { ClientPort, Command, FoundMessage, FromWorker, MessageInfo, Results } from '../api.ts'
import type { OpId } from '../wire/ids.ts'
import { Client } from './client.svelte.ts'
import { fromBob, GARDEN } from './messages.test-support.ts'
import { piecesOf, Search } from './search.svelte.ts'

type Asked = Extract<Command, { type: 'search-messages' }>
interface Open { readonly command: Asked; readonly answer: (result: Results['search-messages']) => Promise<void>; readonly refuse: () => Promise<void> }

/** A client whose engine answers when the story says so. */
function start(): { readonly search: Search; readonly asked: Open[]; readonly told: (messages: readonly MessageInfo[]) => void } {
  const asked: Open[] = []
  let tell: (message: FromWorker) => void = () => undefined
  const port: ClientPort = {
    listen: (receive) => { tell = receive },
    post: (message) => {
      if (message.type !== 'command' || message.command.type !== 'search-messages') return
      const { id, command } = { id: message.id, command: message.command }
      const reply = async (message: FromWorker): Promise<void> => { tell(message); await new Promise((resolve) => { setImmediate(resolve) }) }
      asked.push({
        command, answer: (result) => reply({ type: 'reply', reply: { id, ok: true, result } }),
        refuse: () => reply({ type: 'reply', reply: { id, ok: false, error: { code: 'busy', message: 'Busy.' } } }),
      })
    },
  }
  const told = (messages: readonly MessageInfo[]): void => { tell({ type: 'update', update: { type: 'messages', space: 'aa' as FoundMessage['space'], channel: GARDEN, messages } }) }
  return { search: new Search(new Client(port)), asked, told }
}

const found = (text: string, n: number): FoundMessage => ({ space: 'aa' as FoundMessage['space'], message: fromBob(text, n), snippet: text, marks: [] })
const answer = (results: readonly FoundMessage[], more = false): Results['search-messages'] => ({ results, more, unclear: [] })

test('while Alice types, only the answer to what she typed last is shown', async () => {
  const { search, asked } = start()
  void search.ask('m', {}, 'newest')
  void search.ask('mo', {}, 'newest')
  await asked[1]?.answer(answer([found('moon', 1)]))
  await asked[0]?.answer(answer([found('me', 2)]))
  expect(search.results.map((r) => r.snippet)).toEqual(['moon'])
  void search.ask('', {}, 'newest')
  expect([search.state, search.results]).toEqual(['none', []])
})

test('further results are asked for behind the last one, and not twice at once', async () => {
  const { search, asked } = start()
  void search.ask('tea', {}, 'newest')
  await asked[0]?.answer(answer([found('tea b', 2), found('tea a', 1)], true))
  void search.askMore()
  void search.askMore()
  expect(asked.length).toBe(2)
  expect(asked[1]?.command.before).toBe(search.results[1]?.message.id as OpId)
  await asked[1]?.answer(answer([found('tea', 0)]))
  expect(search.results.map((r) => r.snippet)).toEqual(['tea b', 'tea a', 'tea'])
  void search.askMore()
  expect(asked.length).toBe(2)
})

test('a search that fails says why, and the next one works', async () => {
  const { search, asked } = start()
  void search.ask('tea', {}, 'best')
  await asked[0]?.refuse()
  expect([search.state, search.error]).toEqual(['failed', 'Busy.'])
  void search.ask('tea', {}, 'best')
  await asked[1]?.answer(answer([]))
  expect(search.state).toBe('done')
})

test('what was found is marked in the text', () => {
  expect(piecesOf('the full moon', [[4, 8], [9, 13]])).toEqual([
    { text: 'the ', isMarked: false }, { text: 'full', isMarked: true }, { text: ' ', isMarked: false }, { text: 'moon', isMarked: true },
  ])
  expect(piecesOf('plain', [])).toEqual([{ text: 'plain', isMarked: false }])
})

test('what mentions Alice, while it is shown: it follows edits and deletions by itself, and of what is new only that is fetched', async () => {
  const { search, asked, told } = start(), moves: number[] = []
  const end = search.follow((count) => { moves.push(count) })
  void search.ask('mentions:me', {}, 'newest')
  await asked[0]?.answer(answer([found('c', 3), found('b', 2), found('a', 1)], true))
  told([fromBob('b', 2, { text: 'bees' }), fromBob('a', 1, { text: '', deleted: true })])
  expect(search.results.map((r) => r.snippet)).toEqual(['c', 'bees'])
  expect(asked.length, 'nothing is asked for that was told').toBe(1)
  told([fromBob('d', 4)])
  told([fromBob('e', 5)])
  expect(asked.length, 'one question at a time').toBe(2)
  expect(asked[1]?.command).toMatchObject({ query: 'mentions:me', limit: 20 })
  await asked[1]?.answer(answer([found('d', 4), found('c', 3)], true))
  expect(search.results.map((r) => r.snippet)).toEqual(['d', 'c', 'bees'])
  await asked[2]?.answer(answer([found('d', 4)], true))
  expect([search.results.map((r) => r.snippet), moves]).toEqual([['d', 'c', 'bees'], [1, 0]])
  void search.ask('from:bob', {}, 'newest')
  told([fromBob('f', 6)])
  await asked[3]?.answer(answer([found('f', 6)]))
  expect([search.results.map((r) => r.snippet), asked.length]).toEqual([['f'], 4])
  end()
  told([fromBob('g', 7)])
  expect(asked.length).toBe(4)
})
