/**
 * An identity's secret as words that a person writes down and types again: BIP-39 without its stretching, as what is written down is all random already.
 *
 *   16 bytes   12 words   what identities are made of
 *   32 bytes   24 words   the seeds of identities that were made before there were phrases
 *
 * The bits, then the first of SHA-256 of them (four, or eight) as a check, cut into elevens: each is the number of a word.
 */
import { WORDS } from './phrase-words.ts'

type Sha256 = (bytes: Uint8Array) => Uint8Array
const WORD_BITS = 11
/** Letters by which a word may be told from all others. */
const ENOUGH_LETTERS = 4
const MAX_PHRASE_CHARS = 512

export function encodePhrase(secret: Uint8Array, sha256: Sha256): string {
  const bits = bitsOf(secret) + checkOf(secret, sha256)
  return (bits.match(/.{11}/gu) ?? []).map((eleven) => WORDS[Number.parseInt(eleven, 2)]).join(' ')
}

/** However it was typed: in capitals, over several lines, numbered, or each word by its first four letters. undefined: not a phrase, or one with a slip in it. */
export function decodePhrase(text: string, sha256: Sha256): Uint8Array | undefined {
  const typed = wordsOf(text)
  if (typed.length !== 12 && typed.length !== 24) return undefined
  const numbers = typed.map(numberOf)
  if (numbers.includes(-1)) return undefined
  const bits = numbers.map((n) => n.toString(2).padStart(WORD_BITS, '0')).join('')
  const secret = Uint8Array.from({ length: typed.length === 12 ? 16 : 32 }, (_, i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2))
  return bits === bitsOf(secret) + checkOf(secret, sha256) ? secret : undefined
}

/** The first word that is none of the list: where to look for the slip. */
export const strangeWord = (text: string): string | undefined => wordsOf(text).find((word) => numberOf(word) === -1)

const wordsOf = (text: string): string[] => (text.length > MAX_PHRASE_CHARS ? [] : text.toLowerCase().split(/[^a-z]+/u).filter((word) => word !== ''))

const numberOf = (typed: string): number => {
  const exact = WORDS.indexOf(typed)
  return exact >= 0 || typed.length < ENOUGH_LETTERS ? exact : WORDS.findIndex((word) => word.startsWith(typed))
}

const bitsOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
const checkOf = (secret: Uint8Array, sha256: Sha256): string => bitsOf(sha256(secret).subarray(0, 1)).slice(0, secret.length / 4)
