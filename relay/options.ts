/** The relay's flags. Anything wrong is one line with what to do, and exit code 2. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export interface Options { readonly port: number; readonly host: string; readonly data: string; readonly publicUrl: string | undefined }

/** The options, or the line to show and the code to exit with. */
export function readOptions(argv: readonly string[], portOfEnvironment?: string): Options | { readonly line: string; readonly code: number } {
  let said = ''
  const program = new Command('relay')
    .description('Serves Thicket and keeps sealed parcels for people who are away.')
    .option('--port <number>', 'public port for everything; 0 lets the system choose', port, 8080)
    .option('--host <address>', 'address to listen on; 0.0.0.0 lets other machines in', filled, '127.0.0.1')
    .option('--data <folder>', 'where keys and parcels are kept', filled, '.data/relay')
    .option('--public-url <url>', 'how others reach this relay, when a reverse proxy stands before it', url)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => { said += text }, writeErr: (text) => { said += text } })
  try {
    program.parse([...(portOfEnvironment ? ['--port', portOfEnvironment] : []), ...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { line: said.trimEnd(), code: 0 }
    return { line: `${said.trim().split('\n')[0]?.replace(/^error: /, '') ?? error.message}. Run with --help to see the flags.`, code: 2 }
  }
  const { port: chosen, host, data, publicUrl } = program.opts<{ port: number; host: string; data: string; publicUrl?: string }>()
  return { port: chosen, host, data, publicUrl }
}

function port(text: string): number {
  const n = Number(text)
  if (!/^\d+$/.test(text) || n > 65535) throw new InvalidArgumentError('A port is a number from 0 to 65535')
  return n
}

function filled(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It may not be empty')
  return text
}

function url(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.pathname !== '/' || parsed.search !== '') {
    throw new InvalidArgumentError('A public URL looks like https://thicket.example')
  }
  return parsed.origin
}
