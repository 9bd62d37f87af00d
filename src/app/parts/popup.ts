/** What opens above the page without stopping it: menus and pickers. They are popovers of the browser: Esc and a click elsewhere close them. */
import type { Attachment } from 'svelte/attachments'

/** Px in the window. It opens below `y`, or where there is no room, above `top`. */
export interface Place { readonly x: number; readonly y: number; readonly top: number }

/** Where the pointer was, or below the button. A context menu without a place was asked for by a key: then it is its element's. */
export function placeOf(event: Event): Place {
  const isPointed = event instanceof MouseEvent && event.type === 'contextmenu' && (event.clientX !== 0 || event.clientY !== 0)
  return isPointed ? { x: event.clientX, y: event.clientY, top: event.clientY } : under(event.currentTarget as Element)
}

export function under(element: Element): Place {
  const { left, bottom, top } = element.getBoundingClientRect()
  return { x: left, y: bottom + 4, top: top - 4 }
}

const MARGIN = 8

/** Where a box of this size stands so that all of it is in the window. */
export function fit(place: Place, box: { readonly width: number; readonly height: number }, window: { readonly width: number; readonly height: number }): { left: number; top: number } {
  const left = Math.max(MARGIN, Math.min(place.x, window.width - box.width - MARGIN))
  const isRoomBelow = place.y + box.height + MARGIN <= window.height
  const top = isRoomBelow ? place.y : Math.max(MARGIN, Math.min(place.top - box.height, window.height - box.height - MARGIN))
  return { left, top }
}

/** Shows an element with `popover` at its place, its first part in focus, and gives the focus back afterwards, unless that has gone on by itself. */
export function popup(place: Place, focus: string, close: () => void): Attachment<HTMLElement> {
  return (node) => {
    const before = document.activeElement
    const toggled = (event: Event): void => {
      if (!(event instanceof ToggleEvent) || event.newState !== 'closed') return
      const now = document.activeElement
      if (before instanceof HTMLElement && (now === null || now === document.body || node.contains(now))) before.focus({ preventScroll: true })
      close()
    }
    node.addEventListener('toggle', toggled)
    node.showPopover()
    const { left, top } = fit(place, node.getBoundingClientRect(), { width: innerWidth, height: innerHeight })
    node.style.setProperty('--left', `${left}px`)
    node.style.setProperty('--top', `${top}px`)
    node.querySelector<HTMLElement>(focus)?.focus({ preventScroll: true })
    return () => node.removeEventListener('toggle', toggled)
  }
}
