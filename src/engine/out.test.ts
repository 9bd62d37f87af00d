/** What a step saves. Bob takes in a hundred of Alice's messages at once: where her chain ends is one row, not a hundred. */
import { expect, test } from 'vitest'
import { Out } from './out.ts'

const row = (n: number) => () => ({ key: new Uint8Array([1]), value: new Uint8Array([n]) })

test('of a row that a step writes again and again the last is saved, after all else', () => {
  const out = new Out()
  out.putLast('heads', 'Alice', row(1))
  out.put('ops', new Uint8Array([9]), new Uint8Array())
  out.putLast('heads', 'Alice', row(2))
  out.putLast('tails', 'Alice', row(3))
  expect(out.step().saves.map((save) => [save.partition, save.type === 'put' ? save.value[0] : save.type])).toEqual([['ops', undefined], ['heads', 2], ['tails', 3]])
})

test('a partition that is dropped takes with it what was to be saved there, and nothing else', () => {
  const out = new Out()
  out.putLast('heads', 'Alice', row(1))
  out.putLast('tails', 'Alice', row(2))
  out.drop('heads')
  expect(out.saves.map((save) => [save.partition, save.type])).toEqual([['heads', 'drop'], ['tails', 'put']])
  out.putLast('heads', 'Alice', row(3))
  expect(out.saves.map((save) => [save.partition, save.type])).toEqual([['heads', 'drop'], ['tails', 'put'], ['heads', 'put']])
})
