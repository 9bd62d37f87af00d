/** The worker's stand-in for an RTCDataChannel: the real one, once it has been transferred, or a far one in the page that it reaches over the port. */
import { messageBytes, type ChannelFacts, type RtcToPage } from './rtc-messages.ts'

const EVENTS = ['open', 'closing', 'close', 'error', 'message', 'bufferedamountlow'] as const
type ChannelEvent = (typeof EVENTS)[number]
type Handler = ((event: never) => unknown) | null

/** The `onmessage` style of handlers: each is one listener that setting the property replaces. */
export class HandlerTarget extends EventTarget {
  private readonly handlers = new Map<string, Handler>()

  protected handler(type: string): Handler { return this.handlers.get(type) ?? null }

  protected setHandler(type: string, handler: Handler): void {
    if (!this.handlers.has(type)) this.addEventListener(type, event => { (this.handlers.get(type) as ((event: Event) => unknown) | null | undefined)?.call(this, event) })
    this.handlers.set(type, handler)
  }
}

export class WorkerChannel extends HandlerTarget {
  readonly label: string
  readonly protocol: string
  readonly number: number
  private readonly post: (message: RtcToPage, transfer?: Transferable[]) => void
  private real: RTCDataChannel | undefined
  private farId: number | null = null
  private farState: RTCDataChannelState = 'connecting'
  private type: BinaryType = 'arraybuffer'
  private threshold = 0
  private sent = 0
  private flushed = 0

  constructor(number: number, label: string, protocol: string, post: (message: RtcToPage, transfer?: Transferable[]) => void) {
    super()
    this.number = number
    this.label = label
    this.protocol = protocol
    this.post = post
  }

  get id(): number | null { return this.real?.id ?? this.farId }
  /** 'connecting' until the transferred channel is here: it may have opened on the way, but nothing can be sent through it yet. */
  get readyState(): RTCDataChannelState { return this.farState === 'closed' ? 'closed' : this.real?.readyState ?? this.farState }
  get bufferedAmount(): number { return this.real?.bufferedAmount ?? this.sent - this.flushed }
  get bufferedAmountLowThreshold(): number { return this.threshold }
  set bufferedAmountLowThreshold(bytes: number) {
    this.threshold = bytes
    if (this.real) this.real.bufferedAmountLowThreshold = bytes
    else this.post({ type: 'channel-low', channel: this.number, threshold: bytes })
  }

  get binaryType(): BinaryType { return this.type }
  set binaryType(type: BinaryType) {
    this.type = type
    if (this.real) this.real.binaryType = type
  }

  send(data: string | ArrayBuffer | ArrayBufferView): void {
    if (this.readyState !== 'open') throw new DOMException(`The channel is ${this.readyState}`, 'InvalidStateError')
    if (this.real) { this.real.send(data as ArrayBuffer); return }
    const copy = typeof data === 'string' ? data : copyOf(data)
    this.sent += messageBytes(copy)
    this.post({ type: 'channel-send', channel: this.number, data: copy }, typeof copy === 'string' ? [] : [copy])
  }

  close(): void {
    if (this.readyState === 'closed') return
    if (this.real) { this.real.close(); return }
    if (this.farState !== 'closing') {
      this.farState = 'closing'
      this.post({ type: 'channel-close', channel: this.number })
    }
  }

  /** The real channel has arrived: everything goes to it, and its events come from here. */
  attach(real: RTCDataChannel): void {
    this.real = real
    real.binaryType = this.type
    real.bufferedAmountLowThreshold = this.threshold
    for (const type of EVENTS) real.addEventListener(type, event => { this.pass(type, event) })
    if (this.farState === 'closing' || this.farState === 'closed') real.close()
    // It opened before anyone here could hear it.
    else if (real.readyState === 'open') this.dispatchEvent(new Event('open'))
  }

  /** The far channel has changed. */
  update(facts: ChannelFacts): void {
    const before = this.farState
    this.farId = facts.id
    // Once closing, only closed is news.
    if (before === 'closed' || (before === 'closing' && facts.readyState !== 'closed')) return
    this.farState = facts.readyState
    if (before !== 'open' && facts.readyState === 'open') this.dispatchEvent(new Event('open'))
    if (before !== 'closing' && facts.readyState === 'closing') this.dispatchEvent(new Event('closing'))
    if (facts.readyState === 'closed') this.dispatchEvent(new Event('close'))
  }

  receive(data: ArrayBuffer | string): void { this.dispatchEvent(new MessageEvent('message', { data })) }

  flush(bytes: number): void {
    const wasHigh = this.bufferedAmount > this.threshold
    this.flushed = bytes
    if (wasHigh && this.bufferedAmount <= this.threshold) this.dispatchEvent(new Event('bufferedamountlow'))
  }

  fail(message: string): void {
    const error = new Error(message)
    this.dispatchEvent(Object.assign(new Event('error'), { error }))
  }

  /** The connection is closed: as in a browser, its channels are too, without a word. */
  drop(): void { this.farState = 'closed' }

  get onopen(): Handler { return this.handler('open') }
  set onopen(handler: Handler) { this.setHandler('open', handler) }
  get onclosing(): Handler { return this.handler('closing') }
  set onclosing(handler: Handler) { this.setHandler('closing', handler) }
  get onclose(): Handler { return this.handler('close') }
  set onclose(handler: Handler) { this.setHandler('close', handler) }
  get onerror(): Handler { return this.handler('error') }
  set onerror(handler: Handler) { this.setHandler('error', handler) }
  get onmessage(): Handler { return this.handler('message') }
  set onmessage(handler: Handler) { this.setHandler('message', handler) }
  get onbufferedamountlow(): Handler { return this.handler('bufferedamountlow') }
  set onbufferedamountlow(handler: Handler) { this.setHandler('bufferedamountlow', handler) }

  private pass(type: ChannelEvent, event: Event): void {
    if (type === 'message' && event instanceof MessageEvent) this.receive(event.data as ArrayBuffer | string)
    else if (type === 'error') this.dispatchEvent(Object.assign(new Event('error'), { error: 'error' in event ? event.error : new Error('The data channel failed') }))
    else this.dispatchEvent(new Event(type))
  }
}

function copyOf(data: ArrayBuffer | ArrayBufferView): ArrayBuffer {
  if (data instanceof ArrayBuffer) return data.slice(0)
  const out = new Uint8Array(data.byteLength)
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return out.buffer
}
