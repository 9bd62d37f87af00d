import { expect, test } from 'vitest'
import { granted } from './grants.ts'

test('a tick adds one and keeps the rest, also what is not offered', () => {
  expect(granted(['send', 'speak'], 'invite', true)).toEqual(['send', 'speak', 'invite'])
  expect(granted(['invite', 'send', 'speak'], 'send', false)).toEqual(['invite', 'speak'])
  expect(granted(['send'], 'send', true)).toEqual(['send'])
})
