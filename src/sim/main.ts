/**
 * The simulator: whole networks of real engines with real MLS, in virtual time, from a seed.
 *
 *   npm run sim -- --seed 7 --steps 200 --peers 5       one run; the same seed gives the same trace hash
 *   npm run sim -- --minutes 30                         seed after seed, from --seed on, for half an hour
 *   npm run sim -- --seed 7 --calm                      the same people on a day when nothing breaks
 *
 * world.ts is time, chance and trace; network.ts and mailbox.ts are what lies between devices; node.ts is one device: real host, real engine, a disk that may fail;
 * people.ts is what people do and what befalls them; checks.ts what must hold; run.ts one run: faults, healing, then all must be well within a bound.
 * A failure prints the line that repeats it and its last 50 moments.
 */
import { parseArgs } from 'node:util'
import { simulate } from './run.ts'

const USAGE = 'usage: npm run sim -- [--seed N] [--steps N] [--peers N] [--minutes N] [--calm]'

interface Flags { readonly seed: number; readonly steps: number; readonly peers: number; readonly minutes: number | undefined; readonly calm: boolean }

function readFlags(args: readonly string[]): Flags | string {
  let given
  try {
    given = parseArgs({ args: [...args], options: { seed: { type: 'string' }, steps: { type: 'string' }, peers: { type: 'string' }, minutes: { type: 'string' }, calm: { type: 'boolean' } } }).values
  } catch (error) { return error instanceof Error ? error.message : String(error) }
  const numbers = [given.seed ?? '1', given.steps ?? '100', given.peers ?? '5', given.minutes ?? '0'].map(Number)
  const [seed = NaN, steps = NaN, peers = NaN, minutes = NaN] = numbers
  if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 0) || peers < 1 || peers > 16) return 'Numbers are whole, and --peers is 1 to 16'
  return { seed, steps, peers, minutes: given.minutes === undefined ? undefined : minutes, calm: given.calm ?? false }
}

async function main(): Promise<number> {
  const flags = readFlags(process.argv.slice(2))
  if (typeof flags === 'string') {
    process.stderr.write(`${flags}; ${USAGE}\n`)
    return 2
  }
  const { steps, peers, calm } = flags
  const until = flags.minutes === undefined ? undefined : performance.now() + flags.minutes * 60_000
  for (let seed = flags.seed; ; seed++) {
    const began = performance.now()
    const outcome = await simulate({ seed, steps, peers, calm })
    const tookMs = Math.round(performance.now() - began)
    if (outcome.failure !== undefined) {
      process.stdout.write(`${outcome.lastLines.join('\n')}\n\nFAILED ${outcome.failure}\nnpm run sim -- --seed ${seed} --steps ${steps} --peers ${peers}${calm ? ' --calm' : ''}\n`)
      return 1
    }
    process.stdout.write(`seed ${seed}: ${outcome.events} events, ${outcome.said} messages, ${Math.round(outcome.virtualMs / 1000)} s, well ${Math.round(outcome.healedAfterMs / 1000)} s after the healing, ${tookMs} ms, trace ${outcome.hash.slice(0, 16)}\n`)
    if (until === undefined || performance.now() > until) return 0
  }
}

process.exitCode = await main()
