/**
 * The shares of the simulator, one thread for each core:
 *
 *   npm run share                                               what runs with every change: 200 seeds of 200 steps with 2 to 12 peers, every fifth with a liar, every fourth wide,
 *                                                               each played twice with equal traces
 *   npm run share -- --long --minutes 60 --results FILE         the long share, 20,000 seeds, in portions: goes on behind what the file tells of, and in the end says what it tells altogether
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort } from 'node:worker_threads'
import { type Failure, play, type Task } from './crew.ts'
import { lineOf, MAX_PEERS } from './flags.ts'
import { longPlan, SHARE_SEEDS, sharePlan } from './plans.ts'
import { simulate } from './run.ts'

const LONG_SEEDS = 20_000
/** Seeds that fail and wait to be mended, each with what is known: none now. They are played all the same: one that turns out well is to be taken off. */
const OPEN: ReadonlySet<number> = new Set()
/** So many failures show what led to them; of the others the line that repeats them is enough. */
const TOLD_IN_FULL = 3

const say = (text: string): void => { process.stdout.write(`${text}\n`) }

/** What is wrong with a run, or with the second one of the same plan; null when all was well. */
async function judge({ plan, isTwice }: Task): Promise<Failure | null> {
  const first = await simulate(plan)
  if (first.failure !== undefined) return { story: first.lastLines.join('\n'), line: first.failure }
  const second = isTwice ? await simulate(plan) : first
  return second.hash === first.hash ? null : { story: '', line: `the same seed gave another trace: ${first.hash}, then ${second.hash}` }
}

/** Of a seed that is known to fail, failing is no news. */
const asExpected = (seed: number, failure: Failure | null): Failure | null => {
  if (!OPEN.has(seed)) return failure
  return failure === null ? { story: '', line: `seed ${seed} is well again: take it off the list in share.ts` } : null
}

/** How many seeds failed. */
async function share(seeds: number, threads: number): Promise<number> {
  let next = 1, done = 0, failed = 0
  await play(threads, new URL(import.meta.url), () => (next > seeds ? undefined : { plan: sharePlan(next++), isTwice: true }), ({ plan }, outcome) => {
    const failure = asExpected(plan.seed, outcome)
    if (failure !== null) say(`\n${++failed <= TOLD_IN_FULL ? `${failure.story}\n` : ''}FAILED ${failure.line}\n${lineOf(plan)}\n`)
    if (++done % 25 === 0) say(`simulator: ${done} of ${seeds} seeds played twice, ${failed} failed`)
  })
  return failed
}

/** One line for each seed: `7 well` or `7 what is wrong`. */
const told = (file: string | undefined): Map<number, string> =>
  new Map(file === undefined || !existsSync(file) ? [] : readFileSync(file, 'utf8').split('\n').flatMap((line) => { const found = /^(\d+) (.+)$/.exec(line); return found === null ? [] : [[Number(found[1]), found[2] as string]] }))

/** `upTo`: seeds with more peers are passed over, for another portion. */
async function long(minutes: number, from: number, upTo: number, file: string | undefined, threads: number): Promise<number> {
  const until = performance.now() + minutes * 60_000, results = told(file)
  let next = from
  await play(threads, new URL(import.meta.url), () => {
    while (results.has(next) || (next <= LONG_SEEDS && longPlan(next).peers > upTo)) next++
    return next > LONG_SEEDS || performance.now() >= until ? undefined : { plan: longPlan(next++), isTwice: false }
  }, ({ plan }, failure) => {
    const outcome = failure === null ? 'well' : failure.line.split('\n')[0] ?? ''
    results.set(plan.seed, outcome)
    if (file !== undefined) appendFileSync(file, `${plan.seed} ${outcome}\n`)
    if (failure !== null) say(`FAILED ${outcome}\n${lineOf(plan)}`)
  })
  const plans = [...results].map(([seed, outcome]) => ({ plan: longPlan(seed), outcome })), failures = plans.filter(({ outcome }) => outcome !== 'well')
  const steps = plans.reduce((sum, { plan }) => sum + plan.steps, 0), lying = plans.filter(({ plan }) => plan.liars > 1).length
  say(`\nThe long share: ${plans.length} of ${LONG_SEEDS} seeds, ${steps} steps, up to ${Math.max(...plans.map(({ plan }) => plan.peers))} peers, half of them liars in ${lying}: ${failures.length} failed`)
  for (const { plan, outcome } of failures) say(`${lineOf(plan)}    ${outcome}`)
  return failures.length
}

if (isMainThread) {
  const text = { type: 'string' } as const
  const { seeds, minutes, from, 'up-to-peers': upTo, results, threads, long: isLong } = parseArgs({ options: { seeds: text, minutes: text, from: text, 'up-to-peers': text, results: text, threads: text, long: { type: 'boolean' } } }).values
  const crew = Number(threads ?? Math.min(availableParallelism(), 8))
  const failed = isLong === true ? await long(Number(minutes ?? 60), Number(from ?? 1), Number(upTo ?? MAX_PEERS), results, crew) : await share(Number(seeds ?? SHARE_SEEDS), crew)
  process.exitCode = failed === 0 ? 0 : 1
} else parentPort?.on('message', (task: Task) => { void judge(task).then((failure) => parentPort?.postMessage(failure)) })
