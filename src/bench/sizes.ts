/** How much a first visit loads: what the page needs before it paints, and the worker with the engine in it. Read from the built app, as it is served. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { type Figure } from './table.ts'

const DIST = join(import.meta.dirname, '..', '..', 'dist')
const read = (name: string): string => readFileSync(join(DIST, name.replace(/^\//, '')), 'utf8')

export function benchSizes(): Figure[] {
  return [
    ...sizes('page before first paint', ['index.html', ...pageFiles()], 'must be 80 KB in brotli, we want 50'),
    ...sizes('worker', withImports([workerScript()]), 'must be 260 KB in brotli, we want 200'),
    ...sizes('everything that is fetched in the end', ['index.html', ...readdirSync(join(DIST, 'assets')).filter((name) => /\.(js|css)$/.test(name)).map((name) => `/assets/${name}`)], 'the network and the largest screen are fetched while the rest starts'),
  ]
}

function pageFiles(): string[] {
  return withImports([...read('index.html').matchAll(/<(?:script|link)[^>]+(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? ''))
}

/** The path that the built page starts its worker from. */
export function workerScript(): string {
  const found = pageFiles().flatMap((name) => [...read(name).matchAll(/new Worker\(new URL\([`"'](\/assets\/[^`"']+\.js)/g)])[0]?.[1]
  if (found === undefined) throw new Error('The page of the built app starts no worker: has the build changed its shape?')
  return found
}

/** These files and all that they import before they run. Imports in brackets, import(…), are loaded when needed and don't count. */
function withImports(names: readonly string[]): string[] {
  const found = new Set<string>()
  const add = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    if (!name.endsWith('.js')) return
    for (const match of read(name).matchAll(/(?:\bfrom|\bimport)\s*["'`]\.\/([^"'`]+\.js)["'`]/g)) add(`/assets/${basename(match[1] ?? '')}`)
  }
  names.forEach(add)
  return [...found]
}

function sizes(what: string, names: readonly string[], goal: string): Figure[] {
  const texts = names.map(read)
  const total = (size: (text: string) => number): number => texts.reduce((sum, text) => sum + size(text), 0) / 1000
  return [
    { what: `${what}, raw`, value: total((text) => Buffer.byteLength(text)), unit: 'KB' },
    { what: `${what}, gzip`, value: total((text) => gzipSync(text).length), unit: 'KB' },
    { what: `${what}, brotli`, value: total((text) => brotliCompressSync(text).length), unit: 'KB', beside: goal },
  ]
}
