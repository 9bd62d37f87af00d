/** What the index keeps of a message. */
import type { Words } from '../../wire/content.ts'
import { TERM_OF } from './finder.ts'
import { featuresOf } from './match.ts'
import { MAX_WORD_CHARS, MAX_WORDS, termsOf, wordsOf } from './words.ts'

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

export function termsOfMessage(message: Indexable): string[] {
  const terms = new Set<string>([TERM_OF.all, TERM_OF.author(message.author), TERM_OF.channel(message.channel)])
  if (!addPlain(terms, message.text)) for (const word of wordsOf(message.text)) for (const term of termsOf(word)) terms.add(term)
  for (const what of featuresOf(message)) terms.add(TERM_OF.has(what))
  for (const identity of message.mentions) terms.add(TERM_OF.mention(identity))
  return [...terms]
}

const isPlain = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)

/** The same terms of a text of plain letters, which most are: a history is read by the million. False for any other. */
function addPlain(terms: Set<string>, text: string): boolean {
  const folded = text.toLowerCase(), { length } = folded
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 126) return false
  for (let at = 0, words = 0; at < length && words < MAX_WORDS;) {
    if (!isPlain(folded.charCodeAt(at))) { at++; continue }
    const start = at
    while (at < length && isPlain(folded.charCodeAt(at))) at++
    terms.add(folded.slice(start, Math.min(at, start + MAX_WORD_CHARS)))
    words++
  }
  return true
}
