/** A long press asks for the menu, as a right click does. Some browsers say so themselves; for the others (Safari on phones) this does. */
import type { Attachment } from 'svelte/attachments'

const PRESS_MS = 500
/** Px that a resting finger moves. */
const STILL = 10

export const longPress: Attachment<HTMLElement> = (node) => {
  let timer: ReturnType<typeof setTimeout> | undefined
  let from = { x: 0, y: 0 }
  const cancel = (): void => { clearTimeout(timer) }
  const down = (event: PointerEvent): void => {
    cancel()
    if (event.pointerType !== 'touch' || !event.isPrimary) return
    const { target, clientX, clientY } = event
    from = { x: clientX, y: clientY }
    timer = setTimeout(() => target?.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX, clientY })), PRESS_MS)
  }
  const move = (event: PointerEvent): void => { if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > STILL) cancel() }
  const listeners = { pointerdown: down, pointermove: move, pointerup: cancel, pointercancel: cancel, contextmenu: cancel } as const
  for (const [type, listener] of Object.entries(listeners)) node.addEventListener(type, listener as EventListener)
  return () => {
    cancel()
    for (const [type, listener] of Object.entries(listeners)) node.removeEventListener(type, listener as EventListener)
  }
}
