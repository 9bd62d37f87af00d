/** The headless peer as a process of its own: what a script that starts it sees. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface Line { readonly id?: unknown; readonly ok?: boolean; readonly type?: string; readonly error?: { readonly code: string }; readonly [field: string]: unknown }

export function startPeerProcess(args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args])
  let out = '', err = '', nextId = 1
  const waiting: (() => void)[] = []
  const wake = (): void => { for (const one of waiting.splice(0)) one() }
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); wake() })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => { wake(); resolve(code) }))
  const lines = (): Line[] => out.slice(0, out.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Line)
  /** The first thing that `look` finds in the lines so far, looked for again with each new one. */
  const until = async <T>(look: (lines: readonly Line[]) => T | undefined): Promise<T> => {
    for (;;) {
      const found = look(lines())
      if (found !== undefined) return found
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended with ${child.exitCode}: ${err}`)
      await new Promise<void>((resolve) => { waiting.push(resolve) })
    }
  }
  const say = (text: string) => child.stdin.write(`${text}\n`)
  const answer = (id: unknown): Promise<Line> => until((all) => all.find((line) => line.id === id && line.type !== 'update'))
  return {
    child, ended, lines, until, answer, say,
    /** Does a command, and gives its answer. */
    ask: (command: object): Promise<Line> => {
      const id = `asked ${nextId++}`
      say(JSON.stringify({ id, ...command }))
      return answer(id)
    },
    /** The first update of a type that fits, also of those that came before. */
    update: (type: string, fits: (update: Line) => boolean): Promise<Line> => until((all) => all.map((line) => line['update'] as Line | undefined).find((update) => update?.type === type && fits(update))),
    complaints: () => err.split('\n').filter((line) => line !== '' && !/ExperimentalWarning|--trace-warnings/.test(line)),
  }
}

export type PeerProcess = ReturnType<typeof startPeerProcess>
