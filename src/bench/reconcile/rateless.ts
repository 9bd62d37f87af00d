/** The rateless table as it is shipped: a device's side (wire/comparison.ts) against a relay's, with what goes over the wire. */
import { type Ask, decodeCompareAnswer, encodeCompareAnswer, encodeCompareRequest, MAX_LISTED, type Told } from '../../wire/compare.ts'
import { Comparison, packed } from '../../wire/comparison.ts'
import { Coder, ID_BYTES, type Store } from '../../wire/rateless.ts'
import { idAt, type Outcome } from './store.ts'

const SIGNED = { pk: new Uint8Array(32), sig: new Uint8Array(64), challenge: new Uint8Array(40) }
const HEAD = { cursor: 2 ** 40, hash: new Uint8Array(32), sig: new Uint8Array(64) }

const packedIds = (store: Store): Uint8Array => packed(Array.from({ length: store.size }, (_, n) => idAt(store, n)))

export function compareRateless(full: Store, lacking: Store, seed = 1): Outcome {
  const listed = packedIds(full), coder = new Coder(full, seed)
  const answer = (ask: Ask): Told => {
    if (ask.type === 'symbols') return { type: 'symbols', symbols: coder.block(ask.count) }
    const ids = listed.subarray(ask.since * ID_BYTES, (ask.since + MAX_LISTED) * ID_BYTES), next = ask.since + ids.length / ID_BYTES
    return { type: 'ids', ids, next, end: next === full.size }
  }
  const comparison = new Comparison(packedIds(lacking), seed)
  let bytes = 0, roundTrips = 0
  for (let ask = comparison.ask; ask !== undefined; ask = comparison.ask) {
    const sent = encodeCompareAnswer({ head: HEAD, upTo: HEAD.cursor, told: answer(ask) })
    const got = decodeCompareAnswer(sent, ask)
    if (got === undefined || !comparison.take(got.told)) throw new Error('an answer does not come back')
    bytes += sent.length + encodeCompareRequest({ ...SIGNED, upTo: HEAD.cursor, ask }).length
    roundTrips++
  }
  return { found: new Set(comparison.lacking), bytes, roundTrips }
}
