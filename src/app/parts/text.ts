/** Text as people wrote it, with web addresses as links. Only http and https: nothing that a click could run. */
export interface Piece { readonly text: string; readonly href?: string }

const ADDRESS = /https?:\/\/[^\s<>"']+/g
/** What closes a sentence is not part of the address before it. */
const TRAILING = /[.,;:!?)\]}]+$/

export function piecesOf(text: string): Piece[] {
  const out: Piece[] = []
  let at = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, '')
    if (!URL.canParse(address)) continue
    if (match.index > at) out.push({ text: text.slice(at, match.index) })
    out.push({ text: address, href: address })
    at = match.index + address.length
  }
  if (at < text.length) out.push({ text: text.slice(at) })
  return out
}
