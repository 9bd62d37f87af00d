/**
 * Gives a worker RTCPeerConnection. Must be the worker's first import: @libp2p/webrtc takes the classes from the global object when it is loaded. Each one here stands
 * for a real one in the page (rtc-page.ts); `connectRtc` hands over the port to it, and what was said before that waits.
 */
import { HandlerTarget, WorkerChannel } from './rtc-channel.ts'
import type { RtcCall, RtcStates, RtcToPage, RtcToWorker } from './rtc-messages.ts'

interface Pending { resolve(description: RTCSessionDescriptionInit | undefined): void; reject(error: Error): void }
type Handler = ((event: never) => unknown) | null

const FRESH: RtcStates = { connectionState: 'new', iceConnectionState: 'new', iceGatheringState: 'new', signalingState: 'stable' }

/** One worker's side of the port. */
export class RtcClient {
  private port: MessagePort | undefined
  private waiting: [RtcToPage, Transferable[]][] = []
  private readonly connections = new Map<number, WorkerPeerConnection>()
  private readonly channels = new Map<number, WorkerChannel>()
  private readonly calls = new Map<number, Pending>()
  private last = 0

  connect(port: MessagePort): void {
    this.port = port
    port.onmessage = (event: MessageEvent<RtcToWorker>) => { this.receive(event.data) }
    for (const [message, transfer] of this.waiting.splice(0)) port.postMessage(message, transfer)
  }

  post(message: RtcToPage, transfer: Transferable[] = []): void {
    if (this.port) this.port.postMessage(message, transfer)
    else this.waiting.push([message, transfer])
  }

  open(connection: WorkerPeerConnection, configuration: RTCConfiguration): number {
    const number = ++this.last
    this.connections.set(number, connection)
    this.post({ type: 'new', connection: number, configuration })
    return number
  }

  call(connection: number, ask: RtcCall): Promise<RTCSessionDescriptionInit | undefined> {
    const call = ++this.last
    return new Promise((resolve, reject) => {
      this.calls.set(call, { resolve, reject })
      this.post({ type: 'call', connection, call, ask })
    })
  }

  createChannel(connection: number, label: string, options: RTCDataChannelInit): WorkerChannel {
    const number = ++this.last * 2
    const channel = this.channel(number, label, options.protocol ?? '')
    this.post({ type: 'create-channel', connection, channel: number, label, options })
    return channel
  }

  close(connection: number, channels: Iterable<WorkerChannel>): void {
    this.connections.delete(connection)
    for (const channel of channels) { channel.drop(); this.channels.delete(channel.number) }
    this.post({ type: 'close', connection })
  }

  private channel(number: number, label: string, protocol: string): WorkerChannel {
    const channel = new WorkerChannel(number, label, protocol, (message, transfer) => { this.post(message, transfer) })
    this.channels.set(number, channel)
    channel.addEventListener('close', () => { this.channels.delete(number) })
    return channel
  }

  private receive(message: RtcToWorker): void {
    switch (message.type) {
      case 'returned': { this.calls.get(message.call)?.resolve(message.description); this.calls.delete(message.call); return }
      case 'failed': { this.calls.get(message.call)?.reject(new DOMException(message.message, message.name)); this.calls.delete(message.call); return }
      case 'states': this.connections.get(message.connection)?.update(message.states); return
      case 'candidate': this.connections.get(message.connection)?.tellCandidate(message.candidate); return
      case 'incoming-channel': {
        const { real, facts } = message
        const connection = this.connections.get(message.connection)
        if (!connection) { real?.close(); return }
        // A transferred channel needs no stand-in.
        if (real) { connection.tellChannel(real); return }
        const channel = this.channel(message.channel, facts.label, facts.protocol)
        connection.adopt(channel)
        channel.update(facts)
        connection.tellChannel(channel)
        return
      }
      case 'created-channel': if (message.real) this.channels.get(message.channel)?.attach(message.real); return
      case 'channel-state': this.channels.get(message.channel)?.update(message.facts); return
      case 'channel-message': this.channels.get(message.channel)?.receive(message.data); return
      case 'channel-flushed': this.channels.get(message.channel)?.flush(message.bytes); return
      case 'channel-error': this.channels.get(message.channel)?.fail(message.message); return
      default: message satisfies never
    }
  }
}

export class WorkerPeerConnection extends HandlerTarget {
  private readonly client: RtcClient
  private readonly number: number
  private states = FRESH
  private readonly channels = new Set<WorkerChannel>()

  constructor(client: RtcClient, configuration: RTCConfiguration = {}) {
    super()
    this.client = client
    this.number = client.open(this, configuration)
  }

  get connectionState(): RTCPeerConnectionState { return this.states.connectionState }
  get iceConnectionState(): RTCIceConnectionState { return this.states.iceConnectionState }
  get iceGatheringState(): RTCIceGatheringState { return this.states.iceGatheringState }
  get signalingState(): RTCSignalingState { return this.states.signalingState }

  async createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit> { return this.describe({ type: 'create-offer', options }) }
  async createAnswer(): Promise<RTCSessionDescriptionInit> { return this.describe({ type: 'create-answer' }) }
  async setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
    await this.client.call(this.number, { type: 'set-local', description: description && { ...description } })
  }
  async setRemoteDescription({ type, sdp }: RTCSessionDescriptionInit): Promise<void> {
    await this.client.call(this.number, { type: 'set-remote', description: sdp === undefined ? { type } : { type, sdp } })
  }
  async addIceCandidate(candidate?: RTCIceCandidateInit): Promise<void> {
    await this.client.call(this.number, { type: 'add-candidate', candidate: candidate && candidateInit(candidate) })
  }

  createDataChannel(label: string, options: RTCDataChannelInit = {}): WorkerChannel {
    if (this.states.connectionState === 'closed') throw new DOMException('The connection is closed', 'InvalidStateError')
    const channel = this.client.createChannel(this.number, label, options)
    this.adopt(channel)
    return channel
  }

  close(): void {
    if (this.states.connectionState === 'closed') return
    this.states = { connectionState: 'closed', iceConnectionState: 'closed', iceGatheringState: this.states.iceGatheringState, signalingState: 'closed' }
    this.client.close(this.number, this.channels)
    this.channels.clear()
  }

  adopt(channel: WorkerChannel): void {
    this.channels.add(channel)
    channel.addEventListener('close', () => { this.channels.delete(channel) })
  }

  update(states: RtcStates): void {
    const before = this.states
    if (before.connectionState === 'closed') return
    this.states = states
    if (before.signalingState !== states.signalingState) this.dispatchEvent(new Event('signalingstatechange'))
    if (before.iceGatheringState !== states.iceGatheringState) this.dispatchEvent(new Event('icegatheringstatechange'))
    if (before.iceConnectionState !== states.iceConnectionState) this.dispatchEvent(new Event('iceconnectionstatechange'))
    if (before.connectionState !== states.connectionState) this.dispatchEvent(new Event('connectionstatechange'))
  }

  tellCandidate(candidate: RTCIceCandidateInit | null): void {
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: candidate && new WorkerIceCandidate(candidate) }))
  }

  tellChannel(channel: RTCDataChannel | WorkerChannel): void { this.dispatchEvent(Object.assign(new Event('datachannel'), { channel })) }

  get onconnectionstatechange(): Handler { return this.handler('connectionstatechange') }
  set onconnectionstatechange(handler: Handler) { this.setHandler('connectionstatechange', handler) }
  get onicecandidate(): Handler { return this.handler('icecandidate') }
  set onicecandidate(handler: Handler) { this.setHandler('icecandidate', handler) }
  get onicecandidateerror(): Handler { return this.handler('icecandidateerror') }
  set onicecandidateerror(handler: Handler) { this.setHandler('icecandidateerror', handler) }
  get ondatachannel(): Handler { return this.handler('datachannel') }
  set ondatachannel(handler: Handler) { this.setHandler('datachannel', handler) }

  private async describe(ask: RtcCall): Promise<RTCSessionDescriptionInit> {
    const description = await this.client.call(this.number, ask)
    if (!description) throw new DOMException('The page gave no description', 'OperationError')
    return description
  }
}

export class WorkerIceCandidate {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly usernameFragment: string | null

  constructor(init: RTCIceCandidateInit) {
    this.candidate = init.candidate ?? ''
    this.sdpMid = init.sdpMid ?? null
    this.sdpMLineIndex = init.sdpMLineIndex ?? null
    this.usernameFragment = init.usernameFragment ?? null
  }

  toJSON(): RTCIceCandidateInit { return candidateInit(this) }
}

/** Plain data, as a port can carry it. */
function candidateInit({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: RTCIceCandidateInit): RTCIceCandidateInit {
  return { candidate: candidate ?? '', sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null, usernameFragment: usernameFragment ?? null }
}

class WorkerSessionDescription {
  readonly type: RTCSdpType
  readonly sdp: string
  constructor(init: RTCSessionDescriptionInit) {
    this.type = init.type
    this.sdp = init.sdp ?? ''
  }
}

const client = new RtcClient()

/** The port whose other end the page's RtcHost has. */
export const connectRtc = (port: MessagePort): void => client.connect(port)

Object.assign(globalThis, {
  RTCPeerConnection: class extends WorkerPeerConnection { constructor(configuration?: RTCConfiguration) { super(client, configuration) } },
  RTCSessionDescription: WorkerSessionDescription,
  RTCIceCandidate: WorkerIceCandidate,
})
