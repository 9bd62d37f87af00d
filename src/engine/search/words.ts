/**
 * What counts as a word, for the index and for queries alike: letters and digits, folded so that people find what they mean whatever they type
 * (case, accents, full-width forms, ligatures). Scripts that are written without spaces are taken two characters at a time, as search engines
 * do without a dictionary: every piece of them can then be found. So is Korean, where what follows a word is written together with it, and words with each other.
 */

export interface Word {
  /** Folded. */
  readonly text: string
  /** Where it stands in the original, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** Of a script that is taken by characters: `text` is the whole run, and any piece of it can be found. */
  readonly run: boolean
}

/** Longer ones are cut: nobody types more, and a pasted key must not bloat the index. */
export const MAX_WORD_CHARS = 40
/** Words of one message that are looked at. */
export const MAX_WORDS = 2000

const PIECES = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}|\p{Regional_Indicator}{2}/gu
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\uff70\uff9e\uff9f]/u
const RUNS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}\u30fc\uff70\uff9e\uff9f]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\uff70\uff9e\uff9f]+/gu
/** Letters that no Unicode decomposition takes apart, but that people type without. */
const PLAIN: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ł: 'l', þ: 'th', ı: 'i', ς: 'σ', '\u0640': '' }
const ASCII = /^[\x20-\x7e]*$/

/** The voicing marks of Japanese make another letter, not an accent, so they stay. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text.normalize('NFKD').replace(/[^\P{M}\u3099\u309a]/gu, '').toLowerCase().replace(/[ßæœøđðłþıς\u0640]/gu, (c) => PLAIN[c] ?? c).normalize('NFC')
}

export function wordsOf(text: string): Word[] {
  const out: Word[] = []
  for (const piece of text.matchAll(PIECES)) {
    const isMixed = !ASCII.test(piece[0]) && UNSPACED.test(piece[0])
    for (const part of isMixed ? piece[0].matchAll(RUNS) : [Object.assign([piece[0]] as [string], { index: 0 })]) {
      const start = piece.index + part.index, folded = fold(part[0])
      if (folded === '') continue
      const run = isMixed && UNSPACED.test(part[0])
      out.push({ text: run ? folded : firstChars(folded, MAX_WORD_CHARS), start, end: start + part[0].length, run })
      if (out.length === MAX_WORDS) return out
    }
  }
  return out
}

/** What the index keeps of a word: itself, or of a run each two neighbours, and the last character, which begins none. */
export function termsOf(word: Pick<Word, 'text' | 'run'>): string[] {
  return word.run ? [...pairs(word.text), [...word.text].at(-1) ?? ''] : [word.text]
}

/** How many places a word takes in its message: a run one for each character. */
export const placesTaken = (word: Pick<Word, 'text' | 'run'>): number => (word.run ? [...word.text].length : 1)

export function pairs(run: string): string[] {
  const chars = [...run]
  return chars.slice(1).map((c, i) => (chars[i] ?? '') + c)
}

const SYLLABLES = 0xac00, LAST_SYLLABLE = 0xd7a3, CONSONANTS = 0x1100, LAST_CONSONANT = 0x1112, OF_CONSONANT = 588, OF_VOWEL = 28

/** What the last character may become while a Korean syllable is being typed, as the first and the last of those texts: 구 becomes 국, and ㄱ any of both. undefined: nothing else. */
export function goesOn(text: string): readonly [first: string, last: string] | undefined {
  const code = text.charCodeAt(text.length - 1), head = text.slice(0, -1)
  const isConsonant = code >= CONSONANTS && code <= LAST_CONSONANT, isOpen = code >= SYLLABLES && code <= LAST_SYLLABLE && (code - SYLLABLES) % OF_VOWEL === 0
  if (!isConsonant && !isOpen) return undefined
  const first = isConsonant ? SYLLABLES + (code - CONSONANTS) * OF_CONSONANT : code
  return [head + String.fromCharCode(first), head + String.fromCharCode(first + (isConsonant ? OF_CONSONANT : OF_VOWEL) - 1)]
}

/** Where a piece is found in a run, from a place on; half a syllable at its end may go on there. -1: nowhere. */
export function findPiece(run: string, piece: string, from: number, isOpen: boolean): number {
  const span = isOpen ? goesOn(piece) : undefined
  if (span === undefined) return run.indexOf(piece, from)
  for (let at = from; at + piece.length <= run.length; at++) {
    const there = run.slice(at, at + piece.length)
    if (there === piece || (there >= span[0] && there <= span[1])) return at
  }
  return -1
}

const firstChars = (text: string, n: number): string => (text.length <= n ? text : [...text].slice(0, n).join(''))
