/** How much a first visit loads: what the page needs before it paints, and the worker with the engine in it. Read from the built app, as it is served. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { type Figure } from './table.ts'

const DIST = join(import.meta.dirname, '..', '..', 'dist')
const read = (name: string): string => readFileSync(join(DIST, name.replace(/^\//, '')), 'utf8')

export function benchSizes(): Figure[] {
  const html = read('index.html')
  const page = withImports([...html.matchAll(/<(?:script|link)[^>]+(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? ''))
  const worker = withImports(page.flatMap((name) => [...read(name).matchAll(/new Worker\(new URL\([`"'](\/assets\/[^`"']+\.js)/g)].map((match) => match[1] ?? '')))
  if (page.length === 0 || worker.length === 0) throw new Error('The built app has no page script or no worker: has the build changed its shape?')
  return [
    ...sizes('page before first paint', [html, ...page.map(read)], 'must be 80 KB in brotli, we want 50'),
    ...sizes('worker', worker.map(read), 'must be 260 KB in brotli, we want 200'),
  ]
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

function sizes(what: string, texts: readonly string[], goal: string): Figure[] {
  const total = (size: (text: string) => number): number => texts.reduce((sum, text) => sum + size(text), 0) / 1000
  return [
    { what: `${what}, raw`, value: total((text) => Buffer.byteLength(text)), unit: 'KB' },
    { what: `${what}, gzip`, value: total((text) => gzipSync(text).length), unit: 'KB' },
    { what: `${what}, brotli`, value: total((text) => brotliCompressSync(text).length), unit: 'KB', beside: goal },
  ]
}
