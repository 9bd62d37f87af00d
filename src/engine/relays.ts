/**
 * Which relays a space uses is its members' to say (`spaceRelays`), and every device follows. Nothing moves from one relay to another: who posted a thing posts it
 * again where it is missing. The change itself still goes to the relays that are left, since whoever is away looks for it there.
 */
import { relayUrl } from '../wire/relay.ts'
import type { Engine } from './engine.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export async function followRelays(engine: Engine, turn: Turn, replica: Replica): Promise<void> {
  const { record, mail } = replica
  // What is no address is some broken app's: a space is not left without relays for it.
  const named = [...new Set(replica.authority.state.relays.map(relayUrl).filter((url) => url !== undefined))]
  if (record.state !== 'open' || named.length === 0 || named.join(' ') === record.relays.join(' ')) return
  const fresh = named.filter((url) => !record.relays.includes(url))
  replica.save(turn, { ...record, relays: named })
  mail.useRelays(turn, named)
  engine.useRelays(turn)
  for (const relay of fresh) {
    mail.relayUp(relay, engine.relaysUp.has(relay))
    for (const topic of mail.topics.keys()) await engine.lost.rolledBack(turn, replica, relay, topic)
  }
}
