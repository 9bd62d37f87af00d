import { expect, test } from 'vitest'
import type { ClientPort, Command, FoundMessage, FromWorker } from '../api.ts'
import type { WindowChange } from '../api/windows.ts'
import { Client } from './client.svelte.ts'
import { fromBob } from './messages.test-support.ts'
import { piecesOf, Search } from './search.svelte.ts'
import type { WindowPage } from './windows.ts'

type Asked = Extract<Command, { type: 'watch-messages' | 'grow-window' }>
interface Open { readonly command: Asked; readonly answer: (result: WindowPage) => Promise<void>; readonly refuse: () => Promise<void> }

/** A client whose engine answers when the story says so. */
function start(moved?: ConstructorParameters<typeof Search>[1]): { readonly search: Search; readonly asked: Open[]; readonly told: (change: WindowChange) => void } {
  const asked: Open[] = []
  let tell: (message: FromWorker) => void = () => undefined
  const port: ClientPort = {
    listen: (receive) => { tell = receive },
    post: (message) => {
      if (message.type !== 'command' || (message.command.type !== 'watch-messages' && message.command.type !== 'grow-window')) return
      const { id, command } = { id: message.id, command: message.command }
      const reply = async (message: FromWorker): Promise<void> => { tell(message); await new Promise((resolve) => { setImmediate(resolve) }) }
      asked.push({
        command, answer: (result) => reply({ type: 'reply', reply: { id, ok: true, result } }),
        refuse: () => reply({ type: 'reply', reply: { id, ok: false, error: { code: 'busy', message: 'Busy.' } } }),
      })
    },
  }
  return { search: new Search(new Client(port), moved), asked, told: (change) => { tell({ type: 'update', update: { type: 'window', window: 1, ...change } }) } }
}

const found = (text: string, n: number): FoundMessage => ({ space: 'aa' as FoundMessage['space'], message: fromBob(text, n), snippet: text, marks: [] })
const answer = (rows: readonly FoundMessage[], more = false): WindowPage => ({ rows, more, newer: false })

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

test('further results are asked for once at a time, and come behind the last one', async () => {
  const { search, asked, told } = start()
  void search.ask('tea', {}, 'newest')
  await asked[0]?.answer(answer([found('tea b', 2), found('tea a', 1)], true))
  void search.askMore()
  void search.askMore()
  expect(asked.map(({ command }) => command.type)).toEqual(['watch-messages', 'grow-window'])
  told({ gone: [], rows: [{ ...found('tea', 0), at: 2 }], more: false, newer: false })
  await asked[1]?.answer(answer([]))
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

test('what was found follows what is said: the engine tells what comes, changes and goes, and who has gone further down is told how it moved', async () => {
  const moves: [number, number][] = []
  const { search, asked, told } = start((before, now) => { moves.push([before.length, now.length]) })
  void search.ask('mentions:me', {}, 'newest')
  await asked[0]?.answer(answer([found('c', 3), found('b', 2), found('a', 1)], true))
  told({ gone: [found('a', 1).message.id], rows: [{ ...found('d', 4), at: 0 }, { ...found('b', 2), snippet: 'bees', at: 2 }], more: true, newer: false })
  expect(search.results.map((r) => r.snippet)).toEqual(['d', 'c', 'bees'])
  expect([moves, asked.length]).toEqual([[[3, 3]], 1])
  search.close()
  told({ gone: [], rows: [{ ...found('e', 5), at: 0 }], more: false, newer: false })
  expect([search.state, search.results]).toEqual(['none', []])
})
