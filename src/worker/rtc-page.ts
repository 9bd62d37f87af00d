/** The page's side of the worker's peer connections: owns the real ones, does what the worker's stand-ins ask, and hands each data channel over. */
import { messageBytes, type ChannelFacts, type RtcCall, type RtcMode, type RtcToPage, type RtcToWorker } from './rtc-messages.ts'

/** Chromium caps a page at about 500 and frees them late; the network's own cap is far below this one. */
const MAX_CONNECTIONS = 128

interface FarChannel { readonly connection: number; readonly real: RTCDataChannel; sent: number; flushed: number }

export class RtcHost {
  private readonly port: MessagePort
  private readonly mode: RtcMode
  private readonly make: (configuration: RTCConfiguration) => RTCPeerConnection
  private readonly connections = new Map<number, RTCPeerConnection>()
  private readonly channels = new Map<number, FarChannel>()
  private lastIncoming = 1

  constructor(port: MessagePort, mode: RtcMode, make = (configuration: RTCConfiguration) => new RTCPeerConnection(configuration)) {
    this.port = port
    this.mode = mode
    this.make = make
    port.onmessage = (event: MessageEvent<RtcToPage>) => { this.receive(event.data) }
  }

  /** Closes every connection: the worker is gone. */
  stop(): void {
    this.port.close()
    for (const connection of this.connections.values()) connection.close()
    this.connections.clear()
    this.channels.clear()
  }

  /** How many connections are in which state, for those who look from outside. */
  states(): RTCPeerConnectionState[] { return [...this.connections.values()].map(connection => connection.connectionState) }

  private post(message: RtcToWorker, transfer: Transferable[] = []): void { this.port.postMessage(message, transfer) }

  private receive(message: RtcToPage): void {
    switch (message.type) {
      case 'new': this.open(message.connection, message.configuration); return
      case 'call': void this.call(message.connection, message.call, message.ask); return
      case 'create-channel': this.createChannel(message); return
      case 'close': this.close(message.connection); return
      case 'channel-send': this.send(message.channel, message.data); return
      case 'channel-close': this.channels.get(message.channel)?.real.close(); return
      case 'channel-low': {
        const channel = this.channels.get(message.channel)
        if (channel) channel.real.bufferedAmountLowThreshold = message.threshold
        return
      }
      default: message satisfies never
    }
  }

  private open(number: number, configuration: RTCConfiguration): void {
    const connection = this.connections.size < MAX_CONNECTIONS ? this.tryMake(configuration) : undefined
    if (!connection) {
      this.post({ type: 'states', connection: number, states: { connectionState: 'failed', iceConnectionState: 'failed', iceGatheringState: 'complete', signalingState: 'closed' } })
      return
    }
    this.connections.set(number, connection)
    const tell = (): void => {
      const { connectionState, iceConnectionState, iceGatheringState, signalingState } = connection
      this.post({ type: 'states', connection: number, states: { connectionState, iceConnectionState, iceGatheringState, signalingState } })
    }
    for (const type of ['connectionstatechange', 'iceconnectionstatechange', 'icegatheringstatechange', 'signalingstatechange']) connection.addEventListener(type, tell)
    connection.addEventListener('icecandidate', ({ candidate }) => { this.post({ type: 'candidate', connection: number, candidate: candidate?.toJSON() ?? null }) })
    // A channel can be transferred only in the task of its event.
    connection.addEventListener('datachannel', ({ channel }) => {
      const incoming = this.lastIncoming += 2
      this.hand(channel, number, incoming, real => ({ type: 'incoming-channel', connection: number, channel: incoming, facts: factsOf(channel), real }))
    })
  }

  private close(number: number): void {
    this.connections.get(number)?.close()
    this.connections.delete(number)
    for (const [channel, { connection }] of this.channels) if (connection === number) this.channels.delete(channel)
  }

  private tryMake(configuration: RTCConfiguration): RTCPeerConnection | undefined {
    try { return this.make(configuration) } catch { return undefined }
  }

  private async call(number: number, call: number, ask: RtcCall): Promise<void> {
    try {
      const connection = this.connections.get(number)
      if (!connection) throw new DOMException('There is no such connection', 'InvalidStateError')
      const description = await perform(connection, ask)
      this.post({ type: 'returned', call, description })
    } catch (reason) {
      const { name, message } = reason instanceof Error ? reason : new Error(String(reason))
      this.post({ type: 'failed', call, name, message })
    }
  }

  private createChannel({ connection, channel, label, options }: Extract<RtcToPage, { type: 'create-channel' }>): void {
    try {
      const real = this.connections.get(connection)?.createDataChannel(label, options)
      if (!real) throw new DOMException('There is no such connection', 'InvalidStateError')
      this.hand(real, connection, channel, transferred => ({ type: 'created-channel', channel, real: transferred }))
    } catch {
      this.post({ type: 'channel-state', channel, facts: { id: null, label, protocol: '', readyState: 'closed' } })
    }
  }

  /** Gives the channel to the worker, or, where the browser can't or we mustn't, serves it from here. */
  private hand(real: RTCDataChannel, connection: number, number: number, message: (real: RTCDataChannel | undefined) => RtcToWorker): void {
    if (this.mode !== 'port') {
      try { this.post(message(real), [real]); return } catch (reason) {
        // Not transferable here; anything else is our mistake.
        if (!(reason instanceof DOMException || reason instanceof TypeError)) throw reason
      }
    }
    this.serve(real, connection, number)
    this.post(message(undefined))
  }

  private serve(real: RTCDataChannel, connection: number, number: number): void {
    const channel: FarChannel = { connection, real, sent: 0, flushed: 0 }
    this.channels.set(number, channel)
    real.binaryType = 'arraybuffer'
    const tell = (): void => { this.post({ type: 'channel-state', channel: number, facts: factsOf(real) }) }
    real.addEventListener('open', tell)
    real.addEventListener('closing', tell)
    real.addEventListener('close', () => { this.channels.delete(number); tell() })
    real.addEventListener('error', ({ error }) => { this.post({ type: 'channel-error', channel: number, message: error.message }) })
    real.addEventListener('bufferedamountlow', () => { this.tellFlushed(number, channel) })
    real.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
      this.post({ type: 'channel-message', channel: number, data }, typeof data === 'string' ? [] : [data])
    })
  }

  private send(number: number, data: ArrayBuffer | string): void {
    const channel = this.channels.get(number)
    if (!channel) return
    try {
      if (typeof data === 'string') channel.real.send(data)
      else channel.real.send(data)
      channel.sent += messageBytes(data)
    } catch (reason) {
      // It closed while the bytes were on their way here, or its buffer is full: either way they are lost, and with them the channel.
      this.post({ type: 'channel-error', channel: number, message: reason instanceof Error ? reason.message : 'The data channel refused to send' })
      channel.real.close()
      return
    }
    this.tellFlushed(number, channel)
  }

  private tellFlushed(number: number, channel: FarChannel): void {
    const flushed = channel.sent - channel.real.bufferedAmount
    if (flushed === channel.flushed) return
    channel.flushed = flushed
    this.post({ type: 'channel-flushed', channel: number, bytes: flushed })
  }
}

const factsOf = ({ id, label, protocol, readyState }: RTCDataChannel): ChannelFacts => ({ id, label, protocol, readyState })

async function perform(connection: RTCPeerConnection, ask: RtcCall): Promise<RTCSessionDescriptionInit | undefined> {
  switch (ask.type) {
    case 'create-offer': return plain(await connection.createOffer(ask.options))
    case 'create-answer': return plain(await connection.createAnswer())
    case 'set-local': await connection.setLocalDescription(ask.description); return undefined
    case 'set-remote': await connection.setRemoteDescription(ask.description); return undefined
    case 'add-candidate': await connection.addIceCandidate(ask.candidate); return undefined
  }
}

const plain = ({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit => sdp === undefined ? { type } : { type, sdp }
