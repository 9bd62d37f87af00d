/**
 * Which relays a space uses is its members' to say (`spaceRelays`), and every device follows. Nothing moves from one relay to another: a relay that is new is compared with
 * what is here like any other whose place is not known (audit.ts), and who posted a thing posts it again there. The change itself still goes to the relays that are left, since whoever is away looks for it there.
 */
import { relayUrl } from '../wire/relay.ts'
import type { Engine } from './engine.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export function followRelays(engine: Engine, turn: Turn, replica: Replica): void {
  const { record, mail } = replica
  // What is no address is some broken app's: a space is not left without relays for it.
  const named = [...new Set(replica.authority.state.relays.map(relayUrl).filter((url) => url !== undefined))]
  if (record.state !== 'open' || named.length === 0 || named.join(' ') === record.relays.join(' ')) return
  replica.save(turn, { ...record, relays: named })
  mail.useRelays(turn, named)
  engine.useRelays(turn)
  for (const relay of named) mail.relayUp(relay, engine.relaysUp.has(relay))
}
