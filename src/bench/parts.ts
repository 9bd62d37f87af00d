/** What can be measured, by name. */
import { benchApp } from './app.ts'
import { benchGroups } from './groups.ts'
import { benchRelay } from './relay.ts'
import type { Figure } from './table.ts'

export interface Part { readonly title: string; readonly run: () => Promise<Figure[]> }

export const PARTS: Readonly<Record<string, Part>> = {
  app: { title: 'App, in Chromium, with a relay', run: benchApp },
  engine: { title: 'Groups, by devices', run: () => benchGroups([10, 100]) },
  relay: { title: 'Relay', run: benchRelay },
}
