/**
 * One person's line to the world: an HTTP proxy that a browser is told to use for everything, loopback included. It knows every host that the
 * page, its worker, its service worker and the browser itself asked for, keeps what went over the line, and can be cut.
 * WebRTC doesn't use proxies; the person closes their peer connections when the line is cut.
 */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export class Tap {
  /** host:port of everything that was asked for. */
  readonly hosts = new Set<string>()
  /** Text to add to the end of what comes from a path, as if the server had a newer version of it. */
  readonly newer = new Map<string, string>()
  /** What comes of a path that isn't served as it should be: the line breaks, or nothing comes for so many ms. */
  readonly hindered = new Map<string, 'breaks' | number>()
  /** Why the relay takes nothing that this person posts, if it does not. */
  refusal: 'relay-full' | undefined
  private readonly server: Server
  private readonly lines = new Set<Duplex>()
  private readonly recordings: { up: Buffer[]; down: Buffer[] }[] = []
  private isCut = false

  constructor() {
    this.server = createServer((asked, answer) => this.forward(asked, answer))
    this.server.on('connect', (asked: IncomingMessage, line: Socket, head: Buffer) => this.tunnel(asked, line, head))
    this.server.on('connection', line => this.hold(line))
  }

  async open(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** From now on nothing passes; what was under way breaks. */
  cut(): void {
    this.isCut = true
    for (const line of this.lines) line.destroy()
  }

  mend(): void { this.isCut = false }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.server.close(resolve))
  }

  /** All that went over the line, both ways, with the masks of WebSocket frames taken off. */
  recorded(): Buffer[] {
    return this.recordings.flatMap(({ up, down }) => {
      const sent = Buffer.concat(up)
      return [sent, unmask(sent), Buffer.concat(down)]
    })
  }

  private hold(line: Duplex): void {
    this.lines.add(line)
    line.on('close', () => this.lines.delete(line))
    line.on('error', () => line.destroy())
  }

  private forward(asked: IncomingMessage, answer: ServerResponse): void {
    const url = URL.parse(asked.url ?? '')
    if (this.isCut || !url) { asked.socket.destroy(); return }
    this.hosts.add(url.host)
    const hindrance = this.hindered.get(url.pathname)
    if (hindrance === 'breaks') { asked.socket.destroy(); return }
    if (hindrance !== undefined) { setTimeout(() => this.pass(asked, answer, url), hindrance); return }
    this.pass(asked, answer, url)
  }

  private pass(asked: IncomingMessage, answer: ServerResponse, url: URL): void {
    if (this.refusal !== undefined && asked.method === 'POST' && /^\/v1\/topics\/[^/]+$/.test(url.pathname)) { refuse(asked, answer, this.refusal); return }
    const recording = this.record()
    const headers = { ...asked.headers }
    const newer = this.newer.get(url.pathname)
    // Compressed, we could not read what we record.
    for (const name of ['proxy-connection', 'accept-encoding', ...(newer ? ['if-none-match', 'if-modified-since'] : [])]) delete headers[name]
    recording.up.push(Buffer.from(`${asked.method} ${asked.url}\n${JSON.stringify(headers)}\n`))
    const onward = request(url, { method: asked.method ?? 'GET', headers }, reply => {
      recording.down.push(Buffer.from(JSON.stringify(reply.headers)))
      if (newer) delete reply.headers['content-length']
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.on('data', (chunk: Buffer) => recording.down.push(chunk))
      reply.pipe(answer, { end: false })
      reply.on('end', () => answer.end(newer))
    })
    // A relay that is gone looks to the browser as it would without us: the connection breaks.
    onward.on('error', () => asked.socket.destroy())
    asked.on('data', (chunk: Buffer) => recording.up.push(chunk))
    asked.pipe(onward)
  }

  private tunnel(asked: IncomingMessage, line: Socket, head: Buffer): void {
    const [host = '', port = ''] = (asked.url ?? '').split(/:(?=\d+$)/)
    if (this.isCut) { line.destroy(); return }
    this.hosts.add(asked.url ?? '')
    const recording = this.record()
    const onward = connect(Number(port), host, () => {
      line.write('HTTP/1.1 200 Connected\r\n\r\n')
      onward.write(head)
      line.pipe(onward)
      onward.pipe(line)
    })
    this.hold(onward)
    onward.on('close', () => line.destroy())
    line.on('close', () => onward.destroy())
    if (head.length > 0) recording.up.push(head)
    line.on('data', (chunk: Buffer) => recording.up.push(chunk))
    onward.on('data', (chunk: Buffer) => recording.down.push(chunk))
  }

  private record(): { up: Buffer[]; down: Buffer[] } {
    const recording = { up: [], down: [] }
    this.recordings.push(recording)
    return recording
  }
}

/** As a relay does that has no room. */
function refuse(asked: IncomingMessage, answer: ServerResponse, code: string): void {
  asked.resume()
  answer.writeHead(507, { 'content-type': 'application/json', 'access-control-allow-origin': '*' }).end(JSON.stringify({ code, message: 'This relay is full.' }))
}

/** The payloads of a browser's WebSocket frames (RFC 6455, section 5.2), which it sends masked. Empty for anything else. */
function unmask(sent: Buffer): Buffer {
  const end = sent.indexOf('\r\n\r\n')
  if (end < 0 || !/^upgrade: *websocket/im.test(sent.toString('latin1', 0, end))) return Buffer.alloc(0)
  const payloads: Buffer[] = []
  for (let at = end + 4; at + 2 <= sent.length;) {
    const short = sent.readUInt8(at + 1) & 127
    const head = short === 126 ? 4 : short === 127 ? 10 : 2
    if (at + head + 4 > sent.length) break
    const length = head === 2 ? short : head === 4 ? sent.readUInt16BE(at + 2) : Number(sent.readBigUInt64BE(at + 2))
    const mask = sent.subarray(at + head, at + head + 4)
    const masked = sent.subarray(at + head + 4, at + head + 4 + length)
    payloads.push(Buffer.from(masked.map((byte, i) => byte ^ (mask[i & 3] ?? 0))))
    at += head + 4 + length
  }
  return Buffer.concat(payloads)
}
