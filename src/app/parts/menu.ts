/** What stands in a menu, and where a menu opens. */
import type { Component } from 'svelte'

export interface MenuItem {
  readonly label: string
  readonly icon?: Component<{ size?: number }>
  /** The key that does the same, as it is shown. */
  readonly keys?: string
  readonly isDangerous?: boolean
  readonly act: () => void
}

/** Px in the window. The menu opens below `y`, or where there is no room, above `top`. */
export interface MenuPlace { readonly x: number; readonly y: number; readonly top: number }

/** Below a button, or where the pointer was. A context menu that the keyboard asked for says 0, 0: then it is the element. */
export function placeOf(event: Event): MenuPlace {
  const isPointer = event instanceof MouseEvent && event.type === 'contextmenu' && (event.clientX !== 0 || event.clientY !== 0) && event.button !== -1
  if (isPointer) return { x: event.clientX, y: event.clientY, top: event.clientY }
  const { left, bottom, top } = (event.currentTarget as Element).getBoundingClientRect()
  return { x: left, y: bottom + 4, top: top - 4 }
}

/** Where a box of this size stands so that all of it is in the window. */
export function fit(place: MenuPlace, box: { readonly width: number; readonly height: number }, window: { readonly width: number; readonly height: number }): { left: number; top: number } {
  const margin = 8
  const left = Math.max(margin, Math.min(place.x, window.width - box.width - margin))
  const isRoomBelow = place.y + box.height + margin <= window.height
  const top = isRoomBelow ? place.y : Math.max(margin, Math.min(place.top - box.height, window.height - box.height - margin))
  return { left, top }
}
