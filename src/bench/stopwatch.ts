/**
 * What a page itself sees and when: runs in it before the app, looks at the document after every change, and notes the first time of each thing by the wall clock,
 * so that the times of two browsers on one machine can be compared. Nothing of the app knows of it. Self-contained: it is sent to the page as text.
 */
export function stopwatch(): void {
  const noted: Record<string, number> = {}
  globalThis.noted = noted
  const note = (what: string, at = performance.now()): void => { noted[what] ??= performance.timeOrigin + at }
  const awaited = new Set<string>()
  /** What is in the document now is on the screen once the next frame has been drawn: the first task after it. */
  const notePainted = (what: string): void => {
    if (awaited.has(what)) return
    awaited.add(what)
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => { note(what) }
      port2.postMessage(0)
    })
  }
  const look = (): void => {
    if (document.querySelector('input')) notePainted('asked for a name')
    for (const row of document.querySelectorAll('[role=log] article')) {
      const text = row.querySelector('[data-testid=message-text]')?.textContent ?? ''
      notePainted(`row: ${text}`)
      const state = row.querySelector('[data-testid=send-state]')?.textContent.trim() ?? ''
      if (state !== '' && !state.startsWith('Saving')) note(`saved: ${text}`)
    }
    for (const path of ['relay', 'relayed', 'direct']) if (document.querySelector(`[data-testid=connection].${path}`)) note(`path: ${path}`)
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
  window.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target instanceof HTMLTextAreaElement) note(`enter: ${event.target.value}`, event.timeStamp)
  }, true)
  window.addEventListener('click', (event) => {
    const words = event.target instanceof Element ? event.target.closest('button')?.textContent.trim() : undefined
    if (words?.startsWith('Join')) note('pressed Join', event.timeStamp)
    else if (words !== undefined) note(`pressed ${words}`, event.timeStamp)
  }, true)
  const { RTCPeerConnection: Bare } = globalThis as Partial<typeof globalThis>
  if (Bare) {
    globalThis.RTCPeerConnection = class extends Bare {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        note('WebRTC: begun')
        this.addEventListener('connectionstatechange', () => { if (this.connectionState === 'connected') note('WebRTC: connected') })
      }
    }
  }
}

declare global {
  var noted: Record<string, number> | undefined
}
