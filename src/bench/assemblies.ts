/**
 * Assemblies of several sizes (assembly.ts), each in a process of its own that begins with `alike.ts`, so that what all its devices work out alike is worked out once: as many
 * would not fit into a machine otherwise. `node --import ./src/bench/alike.ts src/bench/assemblies.ts SIZE` is one of these processes and prints each figure as soon as it has it.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { benchAssembly } from './assembly.ts'
import type { Tell } from './crowd.ts'
import type { Figure } from './table.ts'

const ALIKE = new URL('alike.ts', import.meta.url).href
/** A thousand took all but a little of it while they were still coming. */
const HEAP_MB = 14_500

export async function benchAssemblies(sizes: readonly number[], tell: Tell): Promise<Figure[]> {
  const out: Figure[] = []
  for (const size of sizes) {
    const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, '--import', ALIKE, fileURLToPath(import.meta.url), `${size}`], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<number | null>((resolve) => { child.on('exit', resolve) })
    for await (const line of createInterface({ input: child.stdout })) {
      const figure = JSON.parse(line) as Figure
      out.push(figure)
      tell(figure)
    }
    const code = await ended
    if (code !== 0) throw new Error(`The process of ${size} ended with ${code}`)
  }
  return out
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await benchAssembly(Number(process.argv[2]), (figure) => { console.log(JSON.stringify(figure)) })
  process.exit(0)
}
