/**
 * Names are chosen freely, so two people in a space may have the same, or one that looks like it: then some letters of their identities stand beside them, which
 * nobody can choose. (It takes much work to make an identity that begins alike; whoever has to be sure compares digits.)
 */
interface Named { readonly member: string; readonly name: string }

const MARK_LETTERS = 6
/** Letters of other alphabets that look like Latin ones (a few of Unicode's confusables: those that a keyboard has). */
const ALIKE: Readonly<Record<string, string>> = {
  а: 'a', в: 'b', е: 'e', к: 'k', м: 'm', н: 'h', о: 'o', р: 'p', с: 'c', т: 't', у: 'y', х: 'x', і: 'i', ј: 'j', ѕ: 's', α: 'a', β: 'b', ε: 'e', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't', υ: 'u', χ: 'x',
  ı: 'i', l: 'i', '1': 'i', '|': 'i', '0': 'o', ß: 'ss',
}

/** The same for names that a reader may take for each other. */
export const looks = (name: string): string =>
  [...name.normalize('NFKD').toLowerCase()].map((letter) => ALIKE[letter] ?? letter).join('').replace(/[^\p{L}\p{N}\p{Extended_Pictographic}]/gu, '')

/** How somebody is called where the name alone may mean another: by the mark as well. */
export const withMark = (name: string, member: string): string => `${name}#${member.slice(0, MARK_LETTERS)}`

/** What stands beside the names of those who can be taken for each other. */
export function marksOf(members: readonly Named[]): ReadonlyMap<string, string> {
  const groups = new Map<string, Named[]>()
  for (const one of members) {
    const look = looks(one.name)
    groups.set(look, [...groups.get(look) ?? [], one])
  }
  return new Map([...groups.values()].filter((group) => group.length > 1).flat().map(({ member }) => [member, member.slice(0, MARK_LETTERS)]))
}
