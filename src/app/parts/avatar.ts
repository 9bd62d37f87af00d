/** A face for everyone without pictures: an emoji or initials, on a colour that they chose, or that is always the same for the same person. */
import type { Profile } from '../../api.ts'

/** The first letters of the first two words. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = (word: string | undefined): string => [...(word ?? '')][0] ?? ''
  return (first(words[0]) + first(words[1])).toLocaleUpperCase() || '?'
}

/** The one sign there is room for, whatever a client that isn't ours may have said. */
export function emojiOf(face: Pick<Profile, 'emoji'> | undefined): string {
  for (const { segment } of new Intl.Segmenter().segment(face?.emoji ?? '')) return segment
  return ''
}

/** Twelve colours around the circle, or a hue from an id's first hex digits: ids are hashes, so hues are spread. */
export const hueOf = (id: string, face?: Pick<Profile, 'colour'>): number =>
  face !== undefined && face.colour > 0 ? (face.colour - 1) * 30 : Math.round((Number.parseInt(id.slice(0, 4), 16) / 0xffff) * 360)
