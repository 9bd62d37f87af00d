#!/usr/bin/env node
/** `npm run bench [-- part …]`: measures the parts named, or all, and prints each as a table and as a line of JSON. README.md's numbers come from here. */
import { benchGroups } from './groups.ts'
import { benchRelay } from './relay.ts'
import { type Figure, print } from './table.ts'

const PARTS: Readonly<Record<string, readonly [title: string, run: () => Promise<Figure[]>]>> = {
  engine: ['Groups, by devices', () => benchGroups([10, 100])],
  relay: ['Relay', benchRelay],
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`There is no benchmark called ${unknown.join(', ')}. There are: ${Object.keys(PARTS).join(', ')}.`)
  process.exit(2)
}
for (const [name, [title, run]] of Object.entries(PARTS)) if (wanted.length === 0 || wanted.includes(name)) print(title, await run())
