import { expect, test } from 'vitest'
import { toHex, utf8 } from '../wire/bytes.ts'
import { createSealer } from './seal-blocks.ts'

const alice = createSealer(new Uint8Array(32).fill(1))

test('what is sealed opens under its id, at every length around the padding', async () => {
  for (const length of [0, 1, 251, 252, 253, 256, 5000]) {
    const id = alice.newId()
    const content = Uint8Array.from({ length }, (_, i) => i % 256)
    expect(await alice.open(id, await alice.seal(id, content))).toEqual(content)
  }
})

test('nothing opens under another id, with another key, or changed', async () => {
  // The same first byte: both ids have the same block key, so only the associated data keeps them apart.
  const [id, other] = ['00'.repeat(16), `00${'11'.repeat(15)}`]
  const sealed = await alice.seal(id, utf8('hello Bob'))
  expect(await alice.open(other, sealed)).toBeUndefined()
  expect(await createSealer(new Uint8Array(32).fill(2)).open(id, sealed)).toBeUndefined()
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice()
    changed[at] = (changed[at] as number) ^ 1
    expect(await alice.open(id, changed)).toBeUndefined()
    expect(await alice.open(id, sealed.slice(0, at))).toBeUndefined()
  }
  expect(await alice.open('not an id', sealed)).toBeUndefined()
})

test('two seals of one content have nothing in common, and no length shows to the byte', async () => {
  const id = alice.newId()
  const [first, second] = [await alice.seal(id, utf8('yes')), await alice.seal(id, utf8('a little more'))]
  expect(toHex(first)).not.toBe(toHex(await alice.seal(id, utf8('yes'))))
  expect(first.length).toBe(second.length)
})

test('ids by name are the same again for the same key, and say nothing to others', () => {
  expect(alice.idOf('journal', 7)).toBe(createSealer(new Uint8Array(32).fill(1)).idOf('journal', 7))
  const others = [alice.idOf('journal', 8), alice.idOf('head', 7), createSealer(new Uint8Array(32).fill(2)).idOf('journal', 7)]
  for (const other of others) expect(other).not.toBe(alice.idOf('journal', 7))
  expect(() => createSealer(new Uint8Array(31))).toThrow(RangeError)
})
