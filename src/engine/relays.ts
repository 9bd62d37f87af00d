/**
 * Which relays a space uses is its members' to say (`spaceRelays`), and every device follows. Nothing moves from one relay to another: a relay that is new is compared with
 * what is here like any other whose place is not known (audit.ts), and who posted a thing posts it again there. The change itself still goes to the relays that are left, since whoever is away looks for it there.
 * Who can't place it stays there: so those that were left are read for as long as they keep mail, and answered there (farewells.ts).
 */
import { decodeAuthorityBody } from '../wire/authority.ts'
import type { OpId } from '../wire/ids.ts'
import { HLC_STEP } from '../wire/op.ts'
import { relayUrl } from '../wire/relay.ts'
import type { Engine } from './engine.ts'
import { MAX_RELAYS_LEFT, PARCELS_KEPT_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export function followRelays(engine: Engine, turn: Turn, replica: Replica): void {
  const { record, mail } = replica
  // What is no address is some broken app's: a space is not left without relays for it.
  const named = addresses(replica.authority.state.relays)
  if (record.state !== 'open' || named.length === 0) return
  const isOther = named.join(' ') !== record.relays.join(' ')
  if (!isOther && mail.left !== undefined) return
  if (isOther) replica.save(turn, { ...record, relays: named })
  readRelays(engine, turn, replica, named)
  for (const relay of named) mail.relayUp(relay, engine.relaysUp.has(relay))
}

/** Reads these, and those that were left lately. */
export function readRelays(engine: Engine, turn: Turn, replica: Replica, named: readonly string[] = replica.mail.relays): void {
  replica.mail.useRelays(turn, named, leftLately(replica, named, turn.now))
  engine.useRelays(turn)
}

const addresses = (urls: readonly string[]): readonly string[] => [...new Set(urls.map(relayUrl).filter((url) => url !== undefined))]

/** The last to be left of those that are not named any more, and may keep mail from before; with the act by which each was left, by the labels of those that count. */
function leftLately({ authority, log }: Replica, named: readonly string[], now: number): ReadonlyMap<string, OpId> {
  const acts = [...log.authority.values()].filter(({ id, header: { type } }) => (type === 'spaceRelays' || type === 'genesis') && authority.verdict(id).type === 'valid')
  const left = new Map<string, { readonly act: OpId; readonly at: number }>(), inUse = new Set<string>()
  for (const { id, header, body } of acts.sort((a, b) => a.header.hlc - b.header.hlc || (a.id < b.id ? -1 : 1))) {
    const decoded = decodeAuthorityBody(header.type, body), urls = decoded !== undefined && 'relays' in decoded ? addresses(decoded.relays) : []
    for (const relay of inUse) if (!urls.includes(relay)) { left.set(relay, { act: id, at: header.hlc / HLC_STEP }); inUse.delete(relay) }
    for (const relay of urls) { inUse.add(relay); left.delete(relay) }
  }
  const lately = [...left].filter(([relay, { at }]) => !named.includes(relay) && at > now - PARCELS_KEPT_MS).sort(([, a], [, b]) => b.at - a.at)
  return new Map(lately.slice(0, MAX_RELAYS_LEFT).map(([relay, { act }]) => [relay, act]))
}
