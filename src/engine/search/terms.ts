/** What the index keeps of a message. */
import type { Words } from '../../wire/content.ts'
import { featuresOf } from './match.ts'
import { NO_WORD, placeBit } from './postings.ts'
import type { Terms } from './search-index.ts'
import { MAX_WORD_CHARS, MAX_WORDS, placesTaken, termsOf, wordsOf } from './words.ts'

/** Terms that are no words: who wrote it, where, what it has, whom it names. */
export const TERM_OF = {
  author: (identity: string): string => `${NO_WORD}a${identity}`,
  channel: (channel: string): string => `${NO_WORD}c${channel}`,
  mention: (identity: string): string => `${NO_WORD}m${identity}`,
  has: (what: string): string => `${NO_WORD}h${what}`,
}

/** All that is searched of what a message says: the title of a post as well. */
export const searchedText = (words: Pick<Words, 'text' | 'title'>): string => (words.title === undefined ? words.text : `${words.title}\n${words.text}`)

/** Who is called: identities, roles, everyone. */
export const EVERYONE = 'everyone'
export const calledIn = (words: Words): string[] => [...(words.mentions ?? []), ...(words.roles ?? []), ...(words.everyone === true ? [EVERYONE] : [])]

export interface Indexable {
  readonly channel: string
  readonly author: string
  readonly text: string
  readonly isReply: boolean
  /** As by `calledIn`. */
  readonly mentions: readonly string[]
}

export function termsOfMessage(message: Indexable): Terms {
  const terms = new Map<string, number>([[TERM_OF.author(message.author), 0], [TERM_OF.channel(message.channel), 0]])
  if (!addPlain(terms, message.text)) addWords(terms, message.text)
  for (const what of featuresOf(message)) terms.set(TERM_OF.has(what), 0)
  for (const identity of message.mentions) terms.set(TERM_OF.mention(identity), 0)
  return terms
}

function addWords(terms: Map<string, number>, text: string): void {
  let place = 0
  for (const word of wordsOf(text)) {
    for (const [i, term] of termsOf(word).entries()) terms.set(term, (terms.get(term) ?? 0) | placeBit(place + i))
    place += placesTaken(word)
  }
}

const isPlain = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)

/** The same terms of a text of plain letters, which most are: a history is read by the million. False for any other. */
function addPlain(terms: Map<string, number>, text: string): boolean {
  const folded = text.toLowerCase(), { length } = folded
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 126) return false
  for (let at = 0, words = 0; at < length && words < MAX_WORDS;) {
    if (!isPlain(folded.charCodeAt(at))) { at++; continue }
    const start = at
    while (at < length && isPlain(folded.charCodeAt(at))) at++
    const word = folded.slice(start, Math.min(at, start + MAX_WORD_CHARS))
    terms.set(word, (terms.get(word) ?? 0) | placeBit(words++))
  }
  return true
}
