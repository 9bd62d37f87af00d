import { afterEach, expect, test } from 'vitest'
import { RtcHost } from './rtc-page.ts'
import { RtcClient, WorkerPeerConnection } from './rtc-worker.ts'
import type { WorkerChannel } from './rtc-channel.ts'

/** What the page has of a real peer connection, as far as the messages go; real ones are shown in e2e/worker-network.spec.ts. */
class FakeConnection extends EventTarget {
  connectionState = 'new'
  iceConnectionState = 'new'
  iceGatheringState = 'new'
  signalingState = 'stable'
  readonly configuration: RTCConfiguration
  readonly told: unknown[] = []
  readonly channels: FakeChannel[] = []

  constructor(configuration: RTCConfiguration) { super(); this.configuration = configuration }
  async createOffer(): Promise<RTCSessionDescriptionInit> { return { type: 'offer', sdp: 'v=0' } }
  async createAnswer(): Promise<RTCSessionDescriptionInit> { throw new DOMException('No offer yet', 'InvalidStateError') }
  async setLocalDescription(description: unknown): Promise<void> { this.told.push(description) }
  async setRemoteDescription(description: unknown): Promise<void> { this.told.push(description) }
  async addIceCandidate(candidate: unknown): Promise<void> { this.told.push(candidate) }
  createDataChannel(label: string): FakeChannel { const channel = new FakeChannel(label); this.channels.push(channel); return channel }
  close(): void { this.connectionState = 'closed' }
  become(state: RTCPeerConnectionState): void { this.connectionState = state; this.dispatchEvent(new Event('connectionstatechange')) }
}

class FakeChannel extends EventTarget {
  readonly label: string
  readonly protocol = ''
  readonly id = 3
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  readonly sent: (ArrayBuffer | string)[] = []
  constructor(label: string) { super(); this.label = label }
  send(data: ArrayBuffer | string): void { this.sent.push(data); this.bufferedAmount += typeof data === 'string' ? data.length : data.byteLength }
  close(): void { this.become('closed') }
  become(state: RTCDataChannelState): void { this.readyState = state; this.dispatchEvent(new Event(state === 'closed' ? 'close' : state)) }
  drain(): void { this.bufferedAmount = 0; this.dispatchEvent(new Event('bufferedamountlow')) }
}

interface Both { readonly worker: WorkerPeerConnection; page(): FakeConnection; readonly host: RtcHost }
const endings: (() => void)[] = []
afterEach(() => { for (const end of endings.splice(0)) end() })

/** A worker's connection and the page's, with a real port between. */
async function pair(configuration: RTCConfiguration = {}): Promise<Both> {
  const { port1, port2 } = new MessageChannel()
  const made: FakeConnection[] = []
  const host = new RtcHost(port1, 'port', given => { const fake = new FakeConnection(given); made.push(fake); return fake as never })
  const client = new RtcClient()
  const worker = new WorkerPeerConnection(client, configuration)
  client.connect(port2)
  endings.push(() => { host.stop(); port2.close() })
  // Any answer shows that what was said before has arrived.
  await worker.createOffer()
  return { worker, page: () => made[0] as FakeConnection, host }
}

const next = (target: EventTarget, type: string): Promise<Event> => new Promise(resolve => { target.addEventListener(type, resolve, { once: true }) })

async function openChannel(both: Both): Promise<{ near: WorkerChannel; far: FakeChannel }> {
  const near = both.worker.createDataChannel('')
  await both.worker.createOffer()
  const far = both.page().channels[0] as FakeChannel
  far.become('open')
  await next(near, 'open')
  return { near, far }
}

test('what the worker says before the page listens is not lost, and the configuration arrives as given', async () => {
  const both = await pair({ iceServers: [] })
  expect(both.page().configuration).toEqual({ iceServers: [] })
})

test('calls come back with their result, or with the error that the page met', async () => {
  const both = await pair()
  expect(await both.worker.createOffer()).toEqual({ type: 'offer', sdp: 'v=0' })
  await expect(both.worker.createAnswer()).rejects.toMatchObject({ name: 'InvalidStateError', message: 'No offer yet' })
  await both.worker.setRemoteDescription({ type: 'answer', sdp: 'v=1' })
  await both.worker.addIceCandidate({ candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 })
  expect(both.page().told).toEqual([{ type: 'answer', sdp: 'v=1' }, { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null }])
})

test('states arrive with their event, to listeners and to the on-property alike', async () => {
  const both = await pair()
  const seen: string[] = []
  both.worker.onconnectionstatechange = () => { seen.push(both.worker.connectionState) }
  both.page().become('connecting')
  both.page().become('connected')
  await both.worker.createOffer()
  expect(seen).toEqual(['connecting', 'connected'])
})

test('candidates arrive in order, and null at their end', async () => {
  const both = await pair()
  const seen: (string | undefined)[] = []
  both.worker.addEventListener('icecandidate', event => { seen.push((event as RTCPeerConnectionIceEvent).candidate?.toJSON().candidate) })
  for (const candidate of [{ toJSON: () => ({ candidate: 'one' }) }, null]) both.page().dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }))
  await both.worker.createOffer()
  expect(seen).toEqual(['one', undefined])
})

test('bytes go both ways over the port, and bufferedAmount falls only when the page has sent them', async () => {
  const both = await pair()
  const { near, far } = await openChannel(both)
  near.send(Uint8Array.of(1, 2, 3).subarray(1))
  near.send('word')
  expect(near.bufferedAmount).toBe(6)
  await both.worker.createOffer()
  expect(far.sent.map(data => typeof data === 'string' ? data : [...new Uint8Array(data)])).toEqual([[2, 3], 'word'])
  expect(near.bufferedAmount).toBe(6)
  const low = next(near, 'bufferedamountlow')
  far.drain()
  await low
  expect(near.bufferedAmount).toBe(0)

  const heard = next(near, 'message')
  far.dispatchEvent(new MessageEvent('message', { data: Uint8Array.of(9).buffer }))
  expect([...new Uint8Array((await heard as MessageEvent<ArrayBuffer>).data)]).toEqual([9])
})

test('a channel that the other side opened arrives with its name, and closing it closes the real one', async () => {
  const both = await pair()
  const arriving = next(both.worker, 'datachannel')
  const far = new FakeChannel('theirs')
  far.readyState = 'open'
  both.page().dispatchEvent(Object.assign(new Event('datachannel'), { channel: far }))
  const near = (await arriving as Event & { channel: WorkerChannel }).channel
  expect([near.label, near.readyState, near.id]).toEqual(['theirs', 'open', 3])
  near.close()
  expect(near.readyState).toBe('closing')
  await next(near, 'close')
  expect([near.readyState, far.readyState]).toEqual(['closed', 'closed'])
  expect(() => { near.send('late') }).toThrow('closed')
})

test('closing the connection closes its channels without a word, and the page lets go of it', async () => {
  const both = await pair()
  const { near } = await openChannel(both)
  const events: string[] = []
  near.addEventListener('close', () => { events.push('close') })
  both.worker.close()
  expect([both.worker.connectionState, near.readyState]).toEqual(['closed', 'closed'])
  await both.worker.createOffer().catch(() => undefined)
  expect([both.page().connectionState, both.host.states(), events]).toEqual(['closed', [], []])
  expect(() => both.worker.createDataChannel('')).toThrow('closed')
})

test('a page that can make no connection says failed instead of leaving the worker waiting', async () => {
  const { port1, port2 } = new MessageChannel()
  const host = new RtcHost(port1, 'transfer', () => { throw new Error('Blocked by policy') })
  const client = new RtcClient()
  const worker = new WorkerPeerConnection(client)
  client.connect(port2)
  endings.push(() => { host.stop(); port2.close() })
  await next(worker, 'connectionstatechange')
  expect(worker.connectionState).toBe('failed')
  await expect(worker.createOffer()).rejects.toMatchObject({ name: 'InvalidStateError' })
})
