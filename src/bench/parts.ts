/** What can be measured, by name: each part is one table or several, measured one after the other. */
import { benchApp } from './app.ts'
import { benchAssemblies } from './assemblies.ts'
import { benchAuthority } from './authority.ts'
import { benchBulk } from './bulk.ts'
import { benchCrowd, benchTown } from './crowd.ts'
import { benchGroups } from './groups.ts'
import { benchPlace } from './place.ts'
import { benchReconcile } from './reconcile/reconcile.ts'
import { benchRelay } from './relay.ts'
import { benchSearch } from './search.ts'
import { benchStore, FULL, USUAL } from './store/store.ts'
import { benchFresh, benchSync, benchVectors } from './sync.ts'
import { type Figure, told } from './table.ts'

/** `full`: also at sizes that take many minutes. */
export interface Part { readonly title: string; readonly run: (full: boolean) => Promise<Figure[]> }

const tell = (figure: Figure): void => { process.stderr.write(`${told(figure)}\n`) }

export const PARTS: Readonly<Record<string, readonly Part[]>> = {
  app: [{ title: 'App, in Chromium, with a relay', run: benchApp }],
  engine: [
    { title: 'Authority, by ops', run: () => benchAuthority([1000, 3000, 10_000, 30_000]) },
    { title: 'Groups, by devices', run: () => benchGroups([10, 100, 1000]) },
    { title: 'Sync of a million ops, by ops missing', run: () => benchSync([0, 10, 100, 1000, 10_000]) },
    { title: 'A fresh message to who is connected', run: () => benchFresh() },
    { title: 'Version vectors with nothing missing, by chains', run: () => benchVectors([20, 200, 2000, 20_000]) },
    { title: 'A space of many, simulated, by members', run: () => benchCrowd([10, 30]) },
    { title: 'A space of many of whom twelve are here, simulated, by members', run: (full) => benchTown(full ? [30, 100, 300, 1000] : [30, 100], 12) },
    { title: 'A space of many who are all here, simulated, by members', run: (full) => benchAssemblies(full ? [30, 100, 300] : [30, 100], tell) },
    { title: 'A million opaque ids, by ids missing', run: () => benchReconcile([0, 10, 100, 1000, 10_000], 1_000_000) },
    { title: 'Taking in history, by ops', run: () => benchBulk([1000, 10_000]) },
  ],
  store: [{ title: 'The store in Chromium, by messages', run: (full) => benchStore(full ? FULL : USUAL, tell) }],
  'store-node': [{ title: 'Search on SQLite, by messages', run: (full) => benchSearch(full ? [10_000, 100_000, 1_000_000] : [10_000, 100_000], 100) }],
  relay: [
    { title: 'Relay', run: benchRelay },
    { title: 'A topic of 20,000 parcels of 512 bytes, of which some are missing, by parcels missing', run: () => benchPlace([0, 10, 100, 1000], 20_000) },
  ],
}
