import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BackOff, decodeRelayInfo, parseAddress } from './network-relays.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const OTHER = '12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3'
const info = { version: '1', publicKey: '', peerId: PEER, addresses: [`/dns4/relay.example/tcp/443/tls/ws/p2p/${PEER}`, '/ip4/127.0.0.1/tcp/8080/ws'], limits: {} }

test("a relay's word about itself is read, and addresses without an id get the relay's", () => {
  const decoded = decodeRelayInfo(JSON.stringify(info))
  expect(decoded?.peerId).toBe(PEER)
  expect(decoded?.addresses.map(String)).toEqual([`/dns4/relay.example/tcp/443/tls/ws/p2p/${PEER}`, `/ip4/127.0.0.1/tcp/8080/ws/p2p/${PEER}`])
})

test('addresses that lead to somebody else, or are none, are left out; without any left the relay is none', () => {
  const bad = [`/ip4/127.0.0.1/tcp/1/ws/p2p/${OTHER}`, 'https://relay.example', 5, null, '/ip4/999.1.1.1/tcp/1']
  expect(decodeRelayInfo(JSON.stringify({ ...info, addresses: [...bad, info.addresses[0]] }))?.addresses).toHaveLength(1)
  expect(decodeRelayInfo(JSON.stringify({ ...info, addresses: bad }))).toBeUndefined()
})

test('anything else is refused without a throw', () => {
  const text = JSON.stringify(info)
  for (let length = 0; length < text.length; length++) expect(decodeRelayInfo(text.slice(0, length))).toBeUndefined()
  for (const value of [null, 1, 'x', [], {}, { ...info, peerId: 'nobody' }, { ...info, addresses: 'x' }]) expect(decodeRelayInfo(JSON.stringify(value))).toBeUndefined()
  expect(decodeRelayInfo(JSON.stringify({ ...info, padding: 'x'.repeat(20_000) }))).toBeUndefined()
  fc.assert(fc.property(fc.json(), json => { decodeRelayInfo(json) }))
  fc.assert(fc.property(fc.string(), address => { parseAddress(address, PEER) }))
})

test('pauses grow to their limit, and start small again after a success', () => {
  const backOff = new BackOff(100, 1000, () => 1)
  expect([1, 2, 3, 4, 5, 6].map(() => backOff.pauseMs())).toEqual([100, 200, 400, 800, 1000, 1000])
  backOff.reset()
  expect(backOff.pauseMs()).toBe(100)
  expect(new BackOff(100, 1000, () => 0).pauseMs()).toBe(50)
})
