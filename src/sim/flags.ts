/** What the command line says, and the line that says it again. */
import { parseArgs } from 'node:util'

export const MAX_PEERS = 60

export interface Flags {
  readonly seed: number
  readonly steps: number
  readonly peers: number
  /** How many of the peers lie. */
  readonly liars: number
  /** Seed after seed for so long; undefined: one. */
  readonly minutes: number | undefined
  readonly calm: boolean
  /** With all that people do, and disks that are put back. */
  readonly isWide: boolean
}

export const USAGE = `usage: npm run sim -- [--seed N] [--steps N] [--peers N] [--liars N] [--minutes N] [--calm] [--wide]`

/** A sentence for people where the line can't be read. */
export function readFlags(args: readonly string[]): Flags | string {
  const text = { type: 'string' } as const
  let given
  try {
    given = parseArgs({ args: [...args], options: { seed: text, steps: text, peers: text, liars: text, minutes: text, calm: { type: 'boolean' }, wide: { type: 'boolean' } } }).values
  } catch (error) { return error instanceof Error ? error.message : String(error) }
  const numbers = [given.seed ?? '1', given.steps ?? '100', given.peers ?? '5', given.liars ?? '0', given.minutes ?? '0']
  if (!numbers.every((n) => /^\d{1,15}$/.test(n))) return 'Numbers are whole'
  const [seed, steps, peers, liars, minutes] = numbers.map(Number) as [number, number, number, number, number]
  if (peers < 1 || peers > MAX_PEERS) return `--peers is 1 to ${MAX_PEERS}`
  if (liars > peers / 2) return 'At most half of the peers may lie'
  return { seed, steps, peers, liars, minutes: given.minutes === undefined ? undefined : minutes, calm: given.calm ?? false, isWide: given.wide ?? false }
}

/** The one line that repeats a run. */
export function lineOf({ seed, steps, peers, liars, calm, isWide }: Omit<Flags, 'minutes'>): string {
  return `npm run sim -- --seed ${seed} --steps ${steps} --peers ${peers}${liars > 0 ? ` --liars ${liars}` : ''}${calm ? ' --calm' : ''}${isWide ? ' --wide' : ''}`
}
