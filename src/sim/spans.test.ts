import { expect, test } from 'vitest'
import { Spans } from './spans.ts'

test('what is put back holds what it held then, in whichever of its lives that was', () => {
  const op = new Spans()
  op.begin(10)
  op.backTo(5, 20)
  expect(op.isOpen).toBe(false)
  op.begin(30)
  op.begin(31)
  op.backTo(15, 40)
  expect(op.isOpen).toBe(true)
  op.backTo(25, 50)
  expect(op.isOpen).toBe(false)
  op.backTo(45, 60)
  expect(op.isOpen).toBe(true)
})

test('what a disk gave up is not there until it is saved again', () => {
  const op = new Spans()
  op.begin(10)
  op.end(20)
  expect(op.isOpen).toBe(false)
  op.begin(30)
  expect(op.isOpen).toBe(true)
})
