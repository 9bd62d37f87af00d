/**
 * The share of the simulator that runs with every change: 200 seeds of 200 steps with 2 to 12 peers, every fifth seed with a liar, each
 * played twice with equal traces. One thread for each core takes the next seed when it is done with one. `npm run sim -- --minutes N` plays more.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { lineOf } from './flags.ts'
import { simulate } from './run.ts'

const SEEDS = 200
const STEPS = 200
/** Seeds that fail and wait to be mended, each with what is known. They are played all the same: one that turns out well is to be taken off. */
const OPEN: ReadonlySet<number> = new Set()
/** So many failures show what led to them; of the others the line that repeats them is enough. */
const TOLD_IN_FULL = 3

/** Of a seed that is known to fail, failing is no news. */
const asExpected = (seed: number, problem: Failure | null): Failure | null => {
  if (!OPEN.has(seed)) return problem
  return problem === null ? { story: '', line: `seed ${seed} is well again: take it off the list in share.ts` } : null
}

const planOf = (seed: number) => ({ seed, steps: STEPS, peers: 2 + (seed % 11), liars: seed % 5 === 0 && seed % 11 > 1 ? 1 : 0, calm: false, isWide: false })

interface Failure { readonly story: string; readonly line: string }

/** What is wrong with a seed; null when all was well both times. */
async function judge(seed: number): Promise<Failure | null> {
  const plan = planOf(seed)
  const first = await simulate(plan)
  if (first.failure !== undefined) return { story: first.lastLines.join('\n'), line: `FAILED ${first.failure}\n${lineOf(plan)}` }
  const second = await simulate(plan)
  return second.hash === first.hash ? null : { story: '', line: `FAILED the same seed gave another trace: ${first.hash}, then ${second.hash}\n${lineOf(plan)}` }
}

/** How many seeds failed. They go out one at a time, so that a long one keeps only its own thread busy. */
async function playAll(seeds: number): Promise<number> {
  let next = 1, done = 0, failed = 0
  const play = (): Promise<void> => new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url))
    const give = (): void => {
      if (next > seeds) { void worker.terminate(); resolve(); return }
      worker.postMessage(next++)
    }
    worker.on('message', (problem: Failure | null) => {
      if (problem !== null) {
        failed++
        process.stdout.write(`\n${failed <= TOLD_IN_FULL ? `${problem.story}\n` : ''}${problem.line}\n\n`)
      }
      if (++done % 20 === 0) process.stdout.write(`simulator: ${done} of ${seeds} seeds played twice, ${failed} failed\n`)
      give()
    })
    worker.on('error', reject)
    give()
  })
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8, seeds) }, play))
  return failed
}

if (isMainThread) {
  const { seeds } = parseArgs({ options: { seeds: { type: 'string', default: String(SEEDS) } } }).values
  process.exitCode = await playAll(Number(seeds)) === 0 ? 0 : 1
} else parentPort?.on('message', (seed: number) => { void judge(seed).then((problem) => parentPort?.postMessage(asExpected(seed, problem))) })
