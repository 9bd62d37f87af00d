/**
 * What the worker's stand-ins for peer connections and the page's real ones say to each other, over one MessagePort, in order.
 *
 * No browser has RTCPeerConnection in a worker, and our network lives in one. So the page owns the connections and does as it's told. A data channel, once made, is
 * transferred to the worker, which then reads and writes it without the page; where a browser can't transfer it, its bytes go over this port too.
 * Numbers name connections, channels and calls. The worker gives even numbers to the channels that it makes, the page odd ones to those that come in.
 */
export type RtcToPage =
  | { readonly type: 'new'; readonly connection: number; readonly configuration: RTCConfiguration }
  | { readonly type: 'call'; readonly connection: number; readonly call: number; readonly ask: RtcCall }
  | { readonly type: 'create-channel'; readonly connection: number; readonly channel: number; readonly label: string; readonly options: RTCDataChannelInit }
  | { readonly type: 'close'; readonly connection: number }
  | { readonly type: 'channel-send'; readonly channel: number; readonly data: ArrayBuffer | string }
  | { readonly type: 'channel-close'; readonly channel: number }
  | { readonly type: 'channel-low'; readonly channel: number; readonly threshold: number }

export type RtcCall =
  | { readonly type: 'create-offer'; readonly options: RTCOfferOptions | undefined }
  | { readonly type: 'create-answer' }
  | { readonly type: 'set-local'; readonly description: RTCLocalSessionDescriptionInit | undefined }
  | { readonly type: 'set-remote'; readonly description: RTCSessionDescriptionInit }
  | { readonly type: 'add-candidate'; readonly candidate: RTCIceCandidateInit | undefined }

export interface RtcStates {
  readonly connectionState: RTCPeerConnectionState
  readonly iceConnectionState: RTCIceConnectionState
  readonly iceGatheringState: RTCIceGatheringState
  readonly signalingState: RTCSignalingState
}

export interface ChannelFacts { readonly id: number | null; readonly label: string; readonly protocol: string; readonly readyState: RTCDataChannelState }

export type RtcToWorker =
  | { readonly type: 'returned'; readonly call: number; readonly description: RTCSessionDescriptionInit | undefined }
  | { readonly type: 'failed'; readonly call: number; readonly name: string; readonly message: string }
  | { readonly type: 'states'; readonly connection: number; readonly states: RtcStates }
  | { readonly type: 'candidate'; readonly connection: number; readonly candidate: RTCIceCandidateInit | null }
  /** `real`: the channel itself, transferred; without it the channel's bytes come as channel-message. */
  | { readonly type: 'incoming-channel'; readonly connection: number; readonly channel: number; readonly facts: ChannelFacts; readonly real: RTCDataChannel | undefined }
  | { readonly type: 'created-channel'; readonly channel: number; readonly real: RTCDataChannel | undefined }
  | { readonly type: 'channel-state'; readonly channel: number; readonly facts: ChannelFacts }
  | { readonly type: 'channel-message'; readonly channel: number; readonly data: ArrayBuffer | string }
  /** So many bytes, of all that the worker sent on this channel, have left the browser's buffer. */
  | { readonly type: 'channel-flushed'; readonly channel: number; readonly bytes: number }
  | { readonly type: 'channel-error'; readonly channel: number; readonly message: string }

/** How channels reach the worker: 'transfer' where the browser can, 'port' always over the port, 'off' no WebRTC at all. */
export type RtcMode = 'transfer' | 'port' | 'off'

export const parseRtcMode = (text: string | null): RtcMode => text === 'port' || text === 'off' ? text : 'transfer'

/** Bytes of a data channel message as `bufferedAmount` counts them. */
export const messageBytes = (data: ArrayBuffer | string): number => typeof data === 'string' ? new TextEncoder().encode(data).length : data.byteLength
