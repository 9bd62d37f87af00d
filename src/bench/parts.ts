/** What can be measured, by name: each part is one table or several, measured one after the other. */
import { benchApp } from './app.ts'
import { benchAuthority } from './authority.ts'
import { benchGroups } from './groups.ts'
import { benchRelay } from './relay.ts'
import type { Figure } from './table.ts'

export interface Part { readonly title: string; readonly run: () => Promise<Figure[]> }

export const PARTS: Readonly<Record<string, readonly Part[]>> = {
  app: [{ title: 'App, in Chromium, with a relay', run: benchApp }],
  engine: [
    { title: 'Authority, by ops', run: () => benchAuthority([1000, 3000, 10_000, 30_000]) },
    { title: 'Groups, by devices', run: () => benchGroups([10, 100, 1000]) },
  ],
  relay: [{ title: 'Relay', run: benchRelay }],
}
