/** The headless peer's flags. */
import { parseArgs } from 'node:util'
import { relayUrl } from '../wire/relay.ts'

export const USAGE = 'usage: npm run -s peer -- --data DIR --relay URL --name NAME [--relay URL …] [--listen MULTIADDR …] [--private]'

export interface Flags {
  readonly data: string
  readonly relays: readonly string[]
  readonly name: string
  /** Addresses where other peers may reach this one directly, such as /ip4/0.0.0.0/tcp/4001. */
  readonly listen: readonly string[]
  /** Also connect to addresses of private networks. */
  readonly allowPrivate: boolean
}

/** The flags, or one sentence saying what is wrong with them. */
export function readFlags(args: readonly string[]): Flags | string {
  let given
  try {
    given = parseArgs({ args: [...args], options: {
      data: { type: 'string' }, relay: { type: 'string', multiple: true }, name: { type: 'string' },
      listen: { type: 'string', multiple: true }, private: { type: 'boolean' },
    } }).values
  } catch (error) { return (error instanceof Error ? error.message : String(error)).split('. ')[0] ?? 'The flags could not be read' }
  const { data, relay, name } = given
  if (data === undefined || data === '') return '--data names the folder where this peer keeps its keys and messages'
  if (name === undefined || name.trim() === '') return '--name is the name that others see'
  if (relay === undefined || relay.length === 0) return '--relay names a relay, such as https://thicket.example'
  for (const url of relay) if (relayUrl(url) === undefined) return `--relay ${JSON.stringify(url)} is not an http:// or https:// URL without a path`
  for (const address of given.listen ?? []) if (!address.startsWith('/')) return `--listen ${JSON.stringify(address)} is not a multiaddr such as /ip4/0.0.0.0/tcp/4001`
  return { data, relays: relay.map((url) => relayUrl(url) ?? url), name, listen: given.listen ?? [], allowPrivate: given.private ?? false }
}
