/** The simulator's command line. README.md says how it is used and built. */
import { type Flags, lineOf, readFlags, USAGE } from './flags.ts'
import { simulate } from './run.ts'

const say = (line: string): void => { process.stdout.write(`${line}\n`) }

/** One run. True when all was well. */
async function play(flags: Flags): Promise<boolean> {
  const before = process.cpuUsage()
  const outcome = await simulate(flags)
  const { user, system } = process.cpuUsage(before)
  const seconds = ((user + system) / 1e6).toFixed(1)
  if (outcome.failure === undefined) {
    say(`seed ${flags.seed}: ${outcome.events} events, ${outcome.said} messages, ${Math.round(outcome.virtualMs / 1000)} s of their time, well ${Math.round(outcome.healedAfterMs / 1000)} s after the healing; ${seconds} s of CPU, trace ${outcome.hash.slice(0, 16)}`)
    return true
  }
  say(`\nseed ${flags.seed}: the last 50 inputs, ms since the beginning\n${outcome.lastLines.join('\n')}`)
  say(`\nFAILED ${outcome.failure}\ntrace ${outcome.hash}\n${lineOf(flags)}\n`)
  return false
}

async function main(): Promise<number> {
  const flags = readFlags(process.argv.slice(2))
  if (typeof flags === 'string') {
    process.stderr.write(`${flags}; ${USAGE}\n`)
    return 2
  }
  if (flags.minutes === undefined) return await play(flags) ? 0 : 1
  const until = performance.now() + flags.minutes * 60_000
  const failed: number[] = []
  let seed = flags.seed
  for (; performance.now() < until && failed.length < 50; seed++) if (!await play({ ...flags, seed })) failed.push(seed)
  const count = seed - flags.seed
  say(`${count} seeds of ${flags.steps} steps each, ${flags.peers} peers, ${flags.liars} liars: ${failed.length === 0 ? 'all well' : `${failed.length} failed: ${failed.join(', ')}`}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
