import { expect, test } from 'vitest'
import { readFlags } from './flags.ts'

const GOOD = ['--data', 'd', '--relay', 'https://thicket.example/', '--name', 'Alice']

test('the flags of the README', () => {
  expect(readFlags(GOOD)).toEqual({ data: 'd', relays: ['https://thicket.example'], name: 'Alice', listen: [], allowPrivate: false })
  expect(readFlags([...GOOD, '--relay', 'http://127.0.0.1:8080', '--listen', '/ip4/0.0.0.0/tcp/0', '--private']))
    .toMatchObject({ relays: ['https://thicket.example', 'http://127.0.0.1:8080'], listen: ['/ip4/0.0.0.0/tcp/0'], allowPrivate: true })
})

test.each([
  [GOOD.slice(2), '--data'], [[...GOOD.slice(0, 2), ...GOOD.slice(4)], '--relay'], [GOOD.slice(0, 4), '--name'], [[...GOOD.slice(0, 5), '  '], '--name'],
  [[...GOOD, '--fly'], '--fly'], [[...GOOD, 'more'], 'more'], [[...GOOD, '--relay', 'ftp://x'], 'ftp://x'], [[...GOOD, '--relay', 'x'], '"x"'],
  [[...GOOD, '--relay', 'https://x/path'], 'path'], [[...GOOD, '--listen', '4001'], '4001'], [['--data'], '--data'],
])('%j gets one line', (args, mention) => {
  const flags = readFlags(args)
  expect(flags).toBeTypeOf('string')
  expect(flags).toContain(mention)
  expect(flags).not.toContain('\n')
})
