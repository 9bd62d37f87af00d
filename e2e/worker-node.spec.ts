/** The network in Node, with WebRTC: between two headless peers, over a real relay. */
import { expect, test } from '@playwright/test'
import { randomBytes } from 'node:crypto'
import { createNetwork } from '../src/adapters/network-libp2p.ts'
import { startTestRelay, type TestRelay } from '../src/adapters/network-test-relay.ts'
import { Watcher } from '../src/adapters/network-test-watcher.ts'
import { utf8 } from '../src/wire/bytes.ts'

const endings: (() => Promise<void>)[] = []
test.afterEach(async () => { await Promise.all(endings.splice(0).map(end => end())) })

async function own(): Promise<TestRelay> {
  const started = await startTestRelay()
  endings.push(() => started.stop())
  return started
}

async function join(url: string): Promise<Watcher> {
  const watcher = await new Watcher(createNetwork({ randomBytes: length => new Uint8Array(randomBytes(length)) })).start(url)
  endings.push(() => watcher.network.stop())
  return watcher
}

test('the relayed road gives way to a direct one under load, and the direct one outlives the relay', async () => {
  const theirs = await own()
  const [alice, bob] = await Promise.all([join(theirs.url), join(theirs.url)])
  const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
  alice.network.dial(b.peer, b.addresses)
  expect(await alice.up(b.peer)).toBe('relayed')
  let said = 0
  const talking = setInterval(() => { for (let n = 0; n < 5; n++) alice.network.send(b.peer, utf8(`word ${said++}`)) }, 5)
  await Promise.all([alice.on('direct', b.peer), bob.on('direct', a.peer)]).finally(() => clearInterval(talking))
  // What is still on its way through the relay would die with it, and the session too.
  await bob.framesFrom(a.peer, said)
  await theirs.stop()
  alice.network.send(b.peer, utf8(`word ${said++}`))
  const frames = await bob.framesFrom(a.peer, said)
  expect(frames.map(frame => new TextDecoder().decode(frame))).toEqual(Array.from({ length: said }, (_, n) => `word ${n}`))
  expect([...alice.heard, ...bob.heard].filter(event => event.type === 'peer-down')).toEqual([])
})

test('gossip goes on over the direct road when the relayed one is gone', async () => {
  const theirs = await own()
  const [alice, bob] = await Promise.all([join(theirs.url), join(theirs.url)])
  const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
  for (const peer of [alice, bob]) peer.network.subscribe('garden')
  alice.network.dial(b.peer, b.addresses)
  await Promise.all([alice.on('direct', b.peer), bob.on('direct', a.peer)])
  await theirs.stop()
  let said = 0
  const again = setInterval(() => alice.network.publish('garden', utf8(`late ${said++}`)), 50)
  await bob.hear(event => event.type === 'gossip' && said > 0 ? true : undefined).finally(() => clearInterval(again))
})
