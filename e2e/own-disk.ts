/** Looks into the disk of somebody's browser from a page of the app's origin on which no app runs, with the disk's own code and the browser's own key. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import type { Person } from './person.ts'

/** Leaves the app, does what the expression says with the functions of disk-fixture/older.ts, and answers with what comes of it. The app is not opened again. */
export async function withOwnDisk(person: Person, origin: string, expression: string): Promise<unknown> {
  const folder = join(person.profile, 'fixture'), entry = new URL('./disk-fixture/older.ts', import.meta.url).pathname
  await build({ configFile: false, logLevel: 'error', build: { outDir: folder, emptyOutDir: true, lib: { entry, name: 'fixture', formats: ['iife'], fileName: () => 'fixture.js' } } })
  await person.page.goto(`${origin}/v1/relay`)
  return person.page.evaluate(`${readFileSync(join(folder, 'fixture.js'), 'utf8')}; fixture.${expression}`)
}
