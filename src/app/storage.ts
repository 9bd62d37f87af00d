/** How much room there is on this device, and whether the browser has promised to keep what is here. */

export interface Room { readonly used: number; readonly free: number; readonly isKept: boolean }

/** undefined: the browser doesn't say. */
export async function roomHere(): Promise<Room | undefined> {
  try {
    const [{ usage = 0, quota = 0 }, isKept] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()])
    return { used: usage, free: Math.max(0, quota - usage), isKept }
  } catch { return undefined }
}

/** Asks the browser not to clear what is here when it needs room. Some ask the person: so only after somebody has something here, or has pressed for it. */
export async function keepHere(): Promise<boolean> {
  try { return await navigator.storage.persisted() || await navigator.storage.persist() } catch { return false }
}

/** Firefox asks the person; there it waits until they press for it. */
const asksPeople = (): boolean => navigator.userAgent.includes('Firefox/')
let hasAsked = false

/** A good moment: what a person has just written here should stay. Once a page. */
export function keepWhatWasWritten(): void {
  if (hasAsked || asksPeople()) return
  hasAsked = true
  void keepHere()
}
