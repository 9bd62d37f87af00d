/** What the index keeps of a message. */
import type { Words } from '../../wire/content.ts'
import type { Spoken, VisitPart } from './inverting.ts'
import { featuresOf } from './match.ts'
import { NO_WORD, placeBit } from './postings.ts'
import { gathered, type Terms } from './search-index.ts'
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

/** Made each time anew: of a history they are wanted once. */
export function spokenIn(message: Indexable): Spoken {
  const forEachPart = (visit: VisitPart): void => {
    const whole = (places: number, term: string): void => { visit(places, term, 0, term.length) }
    whole(0, TERM_OF.author(message.author))
    whole(0, TERM_OF.channel(message.channel))
    if (!visitPlain(message.text, visit)) visitWords(message.text, whole)
    for (const what of featuresOf(message)) whole(0, TERM_OF.has(what))
    for (const identity of message.mentions) whole(0, TERM_OF.mention(identity))
  }
  return { forEachPart, forEach: (visit) => { forEachPart((places, text, from, end) => { visit(places, text.slice(from, end)) }) } }
}

export const termsOfMessage = (message: Indexable): Terms => gathered(spokenIn(message))

type Visit = Parameters<Spoken['forEach']>[0]

function visitWords(text: string, visit: Visit): void {
  let place = 0
  for (const word of wordsOf(text)) {
    for (const [i, term] of termsOf(word).entries()) visit(placeBit(place + i), term)
    place += placesTaken(word)
  }
}

const isPlain = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)

/** The same terms of a text of plain letters, which most are: a history is read by the million. False for any other. */
function visitPlain(text: string, visit: VisitPart): boolean {
  const folded = text.toLowerCase(), { length } = folded
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 126) return false
  for (let at = 0, words = 0; at < length && words < MAX_WORDS;) {
    if (!isPlain(folded.charCodeAt(at))) { at++; continue }
    const start = at
    while (at < length && isPlain(folded.charCodeAt(at))) at++
    visit(placeBit(words++), folded, start, Math.min(at, start + MAX_WORD_CHARS))
  }
  return true
}
