/** Which of the messages found say most about what was asked for: words that are there as they were typed, often, and in few others (BM25 without what is the same for all). */
import type { Query } from './query.ts'
import { findPiece, wordsOf } from './words.ts'

/** How soon further occurrences stop to count, and how much long texts are held back. */
const K = 1.2, B = 0.75
const USUAL_WORDS = 20
const BEGUN = 0.5

export function worth(query: Query, text: string): number {
  const words = wordsOf(text)
  const long = 1 - B + B * (words.length / USUAL_WORDS)
  let sum = 0
  for (const { words: wanted, isOpen } of query.clauses) {
    let count = 0
    for (let at = 0; at + wanted.length <= words.length; at++) count += wanted.reduce((worst, w, i) => Math.min(worst, likeness(w, words[at + i]?.text ?? '', isOpen && i === wanted.length - 1)), 1)
    sum += (count * (K + 1)) / (count + K * long)
  }
  return sum
}

function likeness(wanted: { readonly text: string; readonly run: boolean }, word: string, isOpen: boolean): number {
  if (word === wanted.text) return 1
  return (wanted.run ? findPiece(word, wanted.text, 0, isOpen) >= 0 : isOpen && word.startsWith(wanted.text)) ? BEGUN : 0
}
