import { expect, test } from 'vitest'
import { MAX_WAITING_BYTES, MAX_WAITING_PARCELS, drainParcels, isParcelPost, keepParcel, postParcel, type ParcelQueue } from './parcels.ts'

const TOPIC = 'https://relay.example/v1/topics/' + 'ab'.repeat(16)
const parcel = (text: string): Request => new Request(TOPIC, { method: 'POST', body: text })

/** Workbox's queue, as far as we use it, in memory. */
function memoryQueue(): ParcelQueue & { texts(): Promise<string[]> } {
  const entries: { request: Request; metadata?: object }[] = []
  return {
    getAll: async () => [...entries],
    pushRequest: async entry => { entries.push(entry) },
    shiftRequest: async () => entries.shift(),
    unshiftRequest: async entry => { entries.unshift(entry) },
    texts: () => Promise.all(entries.map(({ request }) => request.clone().text())),
  }
}

/** A relay that gives these answers in turn, and what it was sent. An answer of 0 is no answer at all. */
function relay(...answers: number[]): { send: typeof fetch; got: string[] } {
  const got: string[] = []
  const send: typeof fetch = async request => {
    // Reading the body is what a real fetch does to its request.
    got.push(await (request as Request).text())
    const status = answers.shift() ?? 201
    if (status === 0) throw new TypeError('Failed to fetch')
    return new Response(null, { status })
  }
  return { send, got }
}

test('only a parcel on its way to a relay may wait here', () => {
  const ask = (method: string, url: string): boolean => isParcelPost(method, new URL(url))
  expect(ask('POST', TOPIC)).toBe(true)
  expect(ask('GET', TOPIC)).toBe(false)
  expect(ask('POST', TOPIC + '/announce')).toBe(false)
  expect(ask('POST', 'https://relay.example/v1/topics/Bob')).toBe(false)
  expect(ask('POST', 'https://relay.example/v1/relay')).toBe(false)
})

test('a parcel that arrives is not kept, and its answer is the relay\'s', async () => {
  const queue = memoryQueue()
  const { send, got } = relay(201)
  expect((await postParcel(queue, parcel('sealed'), send)).status).toBe(201)
  expect([got, await queue.texts()]).toEqual([['sealed'], []])
})

test('a refusal is an answer: the engine must hear it, nobody repeats it', async () => {
  const queue = memoryQueue()
  expect((await postParcel(queue, parcel('sealed'), relay(403).send)).status).toBe(403)
  expect(await queue.texts()).toEqual([])
})

test('Alice posts offline: the page hears of the failure, and the parcel waits with its whole body', async () => {
  const queue = memoryQueue()
  await expect(postParcel(queue, parcel('sealed'), relay(0).send)).rejects.toThrow('Failed to fetch')
  expect(await queue.texts()).toEqual(['sealed'])
})

test('a parcel tried again and again waits once', async () => {
  const queue = memoryQueue()
  for (const text of ['one', 'two', 'one', 'one']) await keepParcel(queue, parcel(text))
  expect(await queue.texts()).toEqual(['one', 'two'])
})

test('the same bytes for two relays are two parcels', async () => {
  const queue = memoryQueue()
  await keepParcel(queue, parcel('one'))
  await keepParcel(queue, new Request(TOPIC.replace('relay.example', 'other.example'), { method: 'POST', body: 'one' }))
  expect(await queue.texts()).toEqual(['one', 'one'])
})

test('the queue is bounded and keeps what came first', async () => {
  const queue = memoryQueue()
  for (let i = 0; i < MAX_WAITING_PARCELS + 5; i++) await keepParcel(queue, parcel(`parcel ${i}`))
  const texts = await queue.texts()
  expect(texts).toHaveLength(MAX_WAITING_PARCELS)
  expect(texts[0]).toBe('parcel 0')
})

test('a large parcel is left to the engine', async () => {
  const queue = memoryQueue()
  await keepParcel(queue, parcel('x'.repeat(MAX_WAITING_BYTES + 1)))
  expect(await queue.texts()).toEqual([])
})

test('back online everything goes out in the order it was posted', async () => {
  const queue = memoryQueue()
  for (const text of ['one', 'two', 'three']) await keepParcel(queue, parcel(text))
  const { send, got } = relay()
  await drainParcels(queue, send)
  expect([got, await queue.texts()]).toEqual([['one', 'two', 'three'], []])
})

test('a refused parcel does not block those behind it', async () => {
  const queue = memoryQueue()
  for (const text of ['one', 'two']) await keepParcel(queue, parcel(text))
  const { send, got } = relay(400, 201)
  await drainParcels(queue, send)
  expect([got, await queue.texts()]).toEqual([['one', 'two'], []])
})

test.each([0, 429, 503])('cut off again in the middle (%i), the rest waits in order with whole bodies for the next time', async answer => {
  const queue = memoryQueue()
  for (const text of ['one', 'two', 'three']) await keepParcel(queue, parcel(text))
  await expect(drainParcels(queue, relay(201, answer).send)).rejects.toThrow()
  expect(await queue.texts()).toEqual(['two', 'three'])
  const { send, got } = relay()
  await drainParcels(queue, send)
  expect(got).toEqual(['two', 'three'])
})
