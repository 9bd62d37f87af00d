/** Which relays a device reads beside those of the space. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { RELAY } from './engines.test-support.ts'
import { alone, home, joins, of } from './group/home.test-support.ts'
import { AUDIT_LOOK_MS, MAX_RELAYS_LEFT, PARCELS_KEPT_MS } from './limits.ts'
import { Out } from './out.ts'

const relay = (n: number): string => `https://relay${n}.example`

test('S34 the last few relays that were left are read, also after a restart and by who comes later, for as long as they keep mail, and those that are named again are left no more', async () => {
  const h = await home(), moves = (...relays: readonly string[]) => h.room.ask(h.alice, { type: 'set-relays', space: h.space, relays })
  const left = (): readonly string[] => [...of(h, h.alice).mail.left?.keys() ?? []]
  for (let n = 1; n <= MAX_RELAYS_LEFT; n++) { h.room.now += 1000; await moves(relay(n)) }
  expect(left()).toEqual([relay(3), relay(2), relay(1), RELAY])
  for (const n of [5, 2]) { h.room.now += 1000; await moves(relay(n)) }
  expect(left()).toEqual([relay(5), relay(4), relay(3), relay(1)])
  await h.alice.restart()
  await h.room.pass(1000)
  expect(left()).toEqual([relay(5), relay(4), relay(3), relay(1)])
  const bob = await joins(h, 'Bob')
  expect([...of(h, bob).mail.left?.keys() ?? []]).toEqual(left())
  await h.room.sleep(PARCELS_KEPT_MS)
  await h.room.pass(2 * AUDIT_LOOK_MS)
  expect(of(h, h.alice).mail.read).toEqual([relay(2)])
})

test('S34 whoever may not change the relays gets nobody to read theirs', async () => {
  const h = await home(), mallory = await joins(h, 'Mallory')
  for (const relays of [[relay(1)], [relay(2)]]) {
    const op = await alone(h, mallory, (turn, replica) => replica.append(turn, 'spaceRelays', encodeAuthorityBody({ type: 'spaceRelays', relays })))
    await of(h, h.alice).receive({ now: h.room.now, out: new Out() }, [op.bytes])
  }
  await h.room.ask(h.alice, { type: 'set-relays', space: h.space, relays: [relay(3)] })
  expect(of(h, h.alice).mail.read).toEqual([relay(3), RELAY])
})

test('S34 what a relay tells that was left proves nothing to a device that has just begun: its own words went to another (S9)', async () => {
  const h = await home(), bob = await joins(h, 'Bob')
  await h.room.ask(h.alice, { type: 'set-relays', space: h.space, relays: [relay(1)] })
  await h.room.pass(1000)
  h.room.leaves(h.alice)
  await bob.restart()
  bob.queue.push({ type: 'relay-up', relay: relay(1) })
  await h.room.pass(10_000)
  const isSure = (): boolean => bob.engine.succession.isSure(of(h, bob), h.room.now)
  expect(isSure()).toBe(false)
  for (const topic of of(h, bob).mail.topics.keys()) bob.queue.push({ type: 'parcels', relay: relay(1), topic, parcels: [], next: 0, end: true })
  await h.room.pass(1000)
  expect(isSure()).toBe(true)
})
