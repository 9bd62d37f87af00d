/// <reference lib="webworker" />
/**
 * The service worker: starts the app with the network cut, and sends sealed parcels on when the network is back.
 * It holds no keys, no peers and no cache of anything but the app itself. A new version waits until the page says so.
 */
import { Queue } from 'workbox-background-sync'
import { clientsClaim } from 'workbox-core'
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import type { ToServiceWorker } from './register.ts'
import { KEEP_PARCELS_MINUTES, drainParcels, isParcelPost, postParcel } from './parcels.ts'

declare const self: ServiceWorkerGlobalScope

// A relay's own paths are never the app's, even when somebody opens one in a tab.
const NOT_THE_APP = [/^\/v1\//, /^\/libp2p(\/|$)/]

cleanupOutdatedCaches()
precacheAndRoute(self.__WB_MANIFEST)
registerRoute(new NavigationRoute(createHandlerBoundToURL('index.html'), { denylist: NOT_THE_APP }))
// The very first visit is served by the network; claimed, its parcels can already wait here.
clientsClaim()

const queue = new Queue('parcels', {
  maxRetentionTime: KEEP_PARCELS_MINUTES,
  onSync: ({ queue }) => drainParcels(queue, fetch),
})

registerRoute(
  ({ request, url }) => isParcelPost(request.method, url),
  ({ request }) => postParcel(queue, request, fetch),
  'POST',
)

self.addEventListener('message', event => {
  const message = event.data as ToServiceWorker | undefined
  if (message?.type === 'take-over') event.waitUntil(self.skipWaiting())
  // Where Background Sync is missing (Firefox, Safari) the page says when to try. Failing is fine: the next message comes.
  if (message?.type === 'drain') event.waitUntil(drainParcels(queue, fetch).catch(() => undefined))
})
