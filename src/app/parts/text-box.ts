/** What the boxes where messages are written have in common. */
import type { Attachment } from 'svelte/attachments'

/** Letters that the engine takes. */
export const MAX_TEXT = 4000
/** Of the window's height. */
const TALLEST = 0.4

/** As tall as its text, which it is told so that it looks again when that changes. */
export function grow(_text: string): Attachment<HTMLTextAreaElement> {
  return (box) => {
    box.style.height = 'auto'
    box.style.height = `${Math.min(box.scrollHeight, innerHeight * TALLEST)}px`
  }
}
