/** A face for everyone without pictures: initials on a colour that is always the same for the same person. */

/** The first letters of the first two words. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = (word: string | undefined): string => [...(word ?? '')][0] ?? ''
  return (first(words[0]) + first(words[1])).toLocaleUpperCase() || '?'
}

/** A hue from an id's first hex digits: ids are hashes, so hues are spread. */
export const hueOf = (id: string): number => Math.round((Number.parseInt(id.slice(0, 4), 16) / 0xffff) * 360)
