/** Texts to search in: words drawn as in a language, a few often and most rarely, and the same in every run. */

/** A lehmer generator: the same words in every run. */
export function dice(seed: number): () => number {
  let state = seed
  return () => { state = (state * 48271) % 0x7fffffff; return state / 0x7fffffff }
}

/** 50,000 words of which the n-th is about n times rarer than the first. */
export function language(roll: () => number): () => string {
  const words = Array.from({ length: 50_000 }, (_, n) => Array.from({ length: 3 + (n % 7) }, () => 'etaoinshrdlucmfw'[Math.floor(roll() * 16)]).join('') + (n > 2000 ? (n % 97).toString(36) : ''))
  return () => words[Math.min(words.length - 1, Math.floor(Math.exp(roll() * Math.log(words.length))) - 1)] ?? 'word'
}

/** The workload's usual length. */
const LETTERS = 124

/** Messages of 124 letters: the n-th is the same in every run. */
export function sentences(): () => string {
  const word = language(dice(42))
  return () => {
    let text = word()
    while (text.length < LETTERS) text += ` ${word()}`
    return text.slice(0, LETTERS).trimEnd()
  }
}

export interface Question {
  readonly kind: 'a word' | 'two words' | 'the beginning of a word' | 'a phrase' | 'a word by an author' | 'an author in a channel'
  readonly words: readonly string[]
  readonly author: string | undefined
}

const KINDS: readonly Question['kind'][] = ['a word', 'two words', 'the beginning of a word', 'a phrase', 'a word by an author', 'an author in a channel']

/** So many of each kind, in turn. Words come as often as they are written; phrases are out of messages that are there. */
export function questions(ofEach: number, authors: number, textOf: (n: number) => string): Question[] {
  const roll = dice(7), word = language(dice(42))
  return Array.from({ length: ofEach * KINDS.length }, (_, n): Question => {
    const kind = KINDS[n % KINDS.length] as Question['kind'], by = `Person ${2 + (n % (authors - 1))}`
    const phrase = (): string[] => textOf(Math.floor(roll() * 1e9)).split(' ').slice(2, 4)
    switch (kind) {
      case 'a word': return { kind, words: [word()], author: undefined }
      case 'two words': return { kind, words: [word(), word()], author: undefined }
      case 'the beginning of a word': return { kind, words: [word().slice(0, 3)], author: undefined }
      case 'a phrase': return { kind, words: phrase(), author: undefined }
      case 'a word by an author': return { kind, words: [word()], author: by }
      case 'an author in a channel': return { kind, words: [], author: by }
    }
  })
}

/** As people type it. */
export function typed({ kind, words, author }: Question): string {
  const said = kind === 'a phrase' ? `"${words.join(' ')}"` : kind === 'the beginning of a word' ? words.join(' ') : `${words.join(' ')} `
  return `${author === undefined ? '' : `from:"${author}" `}${kind === 'an author in a channel' ? 'in:general' : said}`
}
