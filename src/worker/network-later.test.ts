import { expect, test } from 'vitest'
import type { Network } from '../ports.ts'
import { networkLater } from './network-later.ts'

const MEANS = { pause: async () => {}, log: () => {} }

/** A network that writes down what it was told. */
function noting(): { network: Network; told: string[] } {
  const told: string[] = []
  const note = (name: string) => (...words: unknown[]): void => { told.push([name, ...words.filter(word => typeof word === 'string')].join(' ')) }
  const network: Network = {
    start: async () => { note('start')() }, stop: async () => { note('stop')() }, useRelays: note('useRelays'), dial: note('dial'), hangUp: note('hangUp'), send: note('send'),
    subscribe: note('subscribe'), unsubscribe: note('unsubscribe'), publish: note('publish'),
  }
  return { network, told }
}

test('what is said once it has started reaches the network, in order', async () => {
  const { network, told } = noting()
  const later = networkLater(async () => network, MEANS)
  later.hangUp('bob')
  await later.start(() => {})
  later.subscribe('garden')
  later.dial('bob', [])
  later.send('bob', new Uint8Array(1))
  later.publish('garden', new Uint8Array(1))
  later.unsubscribe('garden')
  later.useRelays([])
  later.hangUp('bob')
  await later.stop()
  expect(told).toEqual(['start', 'subscribe garden', 'dial bob', 'send bob', 'publish garden', 'unsubscribe garden', 'useRelays', 'hangUp bob', 'stop'])
})

test('one that was stopped before it was there never starts', async () => {
  const { network, told } = noting()
  let arrive: (network: Network) => void = () => {}
  const later = networkLater(() => new Promise(resolve => { arrive = resolve }), MEANS)
  const starting = later.start(() => {})
  await later.stop()
  arrive(network)
  await starting
  expect(told).toEqual([])
})

test('one that does not come is fetched again', async () => {
  const { network, told } = noting(), waited: number[] = []
  let asked = 0
  const later = networkLater(() => (++asked < 3 ? Promise.reject(new Error('offline')) : Promise.resolve(network)), { pause: async ms => { waited.push(ms) }, log: () => {} })
  await later.start(() => {})
  expect([told, waited]).toEqual([['start'], [2000, 4000]])
})

test('whoever starts one that never comes is told', async () => {
  await expect(networkLater(() => Promise.reject(new Error('offline')), MEANS).start(() => {})).rejects.toThrow('offline')
})
