/** Finds places by a few letters in order: those that start a word, and those that stand together, first. */
export interface Place { readonly key: string; readonly label: string; readonly under: string; readonly go: () => void }

export function fuzzy(places: readonly Place[], query: string): Place[] {
  const wanted = fold(query)
  if (wanted === '') return [...places]
  return places
    .map((place) => ({ place, rank: rankOf(fold(place.label), wanted) ?? rankOf(fold(`${place.under} ${place.label}`), wanted) }))
    .filter((x): x is { place: Place; rank: number } => x.rank !== undefined)
    .sort((a, b) => b.rank - a.rank)
    .map((x) => x.place)
}

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim()

/** undefined when a letter is missing. */
function rankOf(text: string, wanted: string): number | undefined {
  let rank = 0
  let at = -1
  for (const letter of wanted) {
    const next = text.indexOf(letter, at + 1)
    if (next < 0) return undefined
    if (next === at + 1) rank += 3
    if (next === 0 || !/\p{L}|\p{N}/u.test(text.charAt(next - 1))) rank += 2
    at = next
  }
  return rank - text.length / 100
}
