import { expect, test } from 'vitest'
import type { ClientPort, Command, FoundMessage, FromWorker, Results } from '../api.ts'
import type { OpId } from '../wire/ids.ts'
import { Client } from './client.svelte.ts'
import { fromBob } from './messages.test-support.ts'
import { piecesOf, Search } from './search.svelte.ts'

type Asked = Extract<Command, { type: 'search-messages' }>
interface Open { readonly command: Asked; readonly answer: (result: Results['search-messages']) => Promise<void>; readonly refuse: () => Promise<void> }

/** A client whose engine answers when the story says so. */
function start(): { readonly search: Search; readonly asked: Open[] } {
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
  return { search: new Search(new Client(port)), asked }
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
