/** The page's side of the service worker: registers it, offers new versions, and says when waiting parcels may have a chance. */

/** All that the page says to its service worker. */
export type ToServiceWorker =
  | { readonly type: 'take-over' }
  | { readonly type: 'drain' }

/** A new version is here and waits. `apply` starts it, which reloads every tab of this app. */
export interface UpdateOffer { apply(): void }

declare global {
  interface WindowEventMap { 'thicket-update': CustomEvent<UpdateOffer> }
}

const ONLINE_SETTLES_MS = 3_000

/** Call once, at start. Does nothing in development and where service workers are missing (private windows of some browsers). */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const container = navigator.serviceWorker
  followTakeOver(container)
  container.register('/sw.js', { updateViaCache: 'none' }).then(registration => {
    offerUpdates(container, registration)
    const wake = (): void => {
      registration.active?.postMessage({ type: 'drain' } satisfies ToServiceWorker)
    }
    wake()
    addEventListener('online', () => {
      wake()
      // A device says that it is online before it can reach anybody.
      setTimeout(wake, ONLINE_SETTLES_MS)
    })
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return
      wake()
      // An open tab never navigates, so nothing else would look for a new version. Offline this rejects, which is no news.
      registration.update().catch(() => undefined)
    })
  }, (error: unknown) => console.warn('The app will not start offline: its service worker could not be registered.', error))
}

/** All tabs share one engine, so they change version together: a tab left behind would miss the parts that it loads later. */
function followTakeOver(container: ServiceWorkerContainer): void {
  // The first controller is not a new version, and needs no reload.
  let controlled = container.controller !== null
  container.addEventListener('controllerchange', () => {
    if (controlled) location.reload()
    controlled = true
  })
}

function offerUpdates(container: ServiceWorkerContainer, registration: ServiceWorkerRegistration): void {
  const offer = (waiting: ServiceWorker): void => {
    const apply = (): void => waiting.postMessage({ type: 'take-over' } satisfies ToServiceWorker)
    dispatchEvent(new CustomEvent<UpdateOffer>('thicket-update', { detail: { apply } }))
  }
  if (registration.waiting && container.controller) offer(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const next = registration.installing
    next?.addEventListener('statechange', () => {
      // Without a controller it is the first installation, which takes over by itself.
      if (next.state === 'installed' && container.controller) offer(next)
    })
  })
}
