import { expect, test } from 'vitest'
import { lineOf, readFlags } from './flags.ts'

test('a line is read, and what is left out has its usual value', () => {
  expect(readFlags(['--seed', '7', '--steps', '200', '--peers', '12', '--liars', '6', '--minutes', '3', '--calm', '--wide'])).toEqual({ seed: 7, steps: 200, peers: 12, liars: 6, minutes: 3, calm: true, isWide: true })
  expect(readFlags([])).toEqual({ seed: 1, steps: 100, peers: 5, liars: 0, minutes: undefined, calm: false, isWide: false })
})

test('what can\'t be meant is refused in a sentence', () => {
  for (const args of [['--seed', '-1'], ['--seed', 'x'], ['--steps', '1.5'], ['--seed', ''], ['--peers', '0'], ['--peers', '61'], ['--peers', '4', '--liars', '3'], ['--sed', '1'], ['stray']]) {
    expect(readFlags(args)).toBeTypeOf('string')
  }
})

test('the line that repeats a run says the same again', () => {
  for (const flags of [{ seed: 3, steps: 50, peers: 8, liars: 4, calm: false, isWide: true }, { seed: 12, steps: 1, peers: 1, liars: 0, calm: true, isWide: false }]) {
    expect(readFlags(lineOf(flags).split(' ').slice(4))).toEqual({ ...flags, minutes: undefined })
  }
})
