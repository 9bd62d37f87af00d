#!/usr/bin/env node
/**
 * `npm run bench [-- part … --full]`: measures the parts named, or all, one after the other, and prints each as a table and as a line of JSON. README.md's numbers
 * come from here.
 */
import { cpus, loadavg } from 'node:os'
import { PARTS } from './parts.ts'
import { print } from './table.ts'

const words = process.argv.slice(2), full = words.includes('--full'), wanted = words.filter((word) => word !== '--full')
const unknown = wanted.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`There is no benchmark called ${unknown.join(', ')}. There are: ${Object.keys(PARTS).join(', ')}.`)
  process.exit(2)
}
const load = (): string => (loadavg()[0] ?? 0).toFixed(1)
console.log(`Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}. Runnable processes at the start: ${load()}`)
for (const [name, parts] of Object.entries(PARTS)) {
  if (wanted.length === 0 || wanted.includes(name)) for (const { title, run } of parts) print(title, await run(full))
}
console.log(`\nRunnable processes at the end: ${load()}. More than ${cpus().length} means that what was timed had to wait for others.`)
