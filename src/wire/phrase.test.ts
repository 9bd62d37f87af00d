/** What a person writes down must read back however it is typed, and a slip of the pen must be noticed. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex } from './bytes.ts'
import { decodePhrase, encodePhrase, strangeWord } from './phrase.ts'
import { WORDS } from './phrase-words.ts'

const sha = (bytes: Uint8Array): Uint8Array => sha256(bytes)
const SECRET = fromHex('7f'.repeat(16)) as Uint8Array
const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow'

/** From the test vectors that BIP-39 publishes. */
test.each([
  ['00'.repeat(16), 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'],
  ['7f'.repeat(16), PHRASE],
  ['ff'.repeat(16), 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong'],
  ['9e885d952ad362caeb4efe34a8e91bd2', 'ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic'],
  ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
  ['f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f', 'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold'],
])('%s is written as BIP-39 says, and read back', (hex, phrase) => {
  const secret = fromHex(hex) as Uint8Array
  expect(encodePhrase(secret, sha)).toBe(phrase)
  expect(decodePhrase(phrase, sha)).toEqual(secret)
})

test('any secret of either length reads back', () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 32, maxLength: 32 })), (secret) => {
    expect(decodePhrase(encodePhrase(secret, sha), sha)).toEqual(secret)
  }))
})

test.each([
  ['in capitals', PHRASE.toUpperCase()],
  ['numbered, a line each', PHRASE.split(' ').map((word, i) => `${i + 1}. ${word}`).join('\n')],
  ['by first letters', PHRASE.split(' ').map((word) => word.slice(0, 4)).join(', ')],
])('it may be typed %s', (_, typed) => { expect(decodePhrase(typed, sha)).toEqual(SECRET) })

test.each([
  ['a word too few', PHRASE.split(' ').slice(1).join(' ')], ['a word too many', `${PHRASE} zoo`], ['a word of no list', PHRASE.replace('wave', 'wawe')],
  ['two words changed over', PHRASE.replace('thank year', 'year thank')], ['another word', PHRASE.replace('yellow', 'zoo')], ['three letters where four are needed', PHRASE.replace('wave', 'wav')],
  ['nothing', ''], ['more than any phrase', 'zoo '.repeat(1000)],
])('%s is refused', (_, typed) => { expect(decodePhrase(typed, sha)).toBeUndefined() })

test('the word that is no word is named', () => {
  expect(strangeWord(PHRASE.replace('wave', 'wawe'))).toBe('wawe')
  expect(strangeWord(PHRASE)).toBeUndefined()
})

test('anything else typed is refused without a throw, and four letters tell any two words apart', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(fc.constantFrom(...WORDS), { minLength: 11, maxLength: 13 }).map((words) => words.join(' '))), (typed) => {
    const secret = decodePhrase(typed, sha)
    if (secret !== undefined) expect(typed.toLowerCase().split(/\s+/)).toHaveLength(12)
  }))
  expect(new Set(WORDS.map((word) => word.slice(0, 4))).size).toBe(2048)
})
