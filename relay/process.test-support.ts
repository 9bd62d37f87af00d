/** A real relay process on a free port with its own folder, and people who hold topics' keys. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { toHex } from '../src/wire/bytes.ts'
import {
  decodeFromRelay, decodeKept, decodePage, encodePost, encodeRead, encodeToRelay, type FromRelay, type Kept, type Page, postSignedBytes, readSignedBytes, watchSignedBytes,
} from '../src/wire/relay.ts'
import { sha256 } from './proof.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

export interface Ended { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs the relay's command to its end. */
export async function runRelay(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  let out = '', err = ''
  child.stdout.on('data', (text: Buffer) => { out += text })
  child.stderr.on('data', (text: Buffer) => { err += text })
  await once(child, 'close')
  return { code: child.exitCode, out, err }
}

export class RelayProcess {
  readonly url: string
  readonly pid: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.child = child
    this.url = url
    this.pid = child.pid as number
  }

  static async start(data: string, ...args: readonly string[]): Promise<RelayProcess> {
    const child = spawn(process.execPath, [MAIN, '--port', '0', '--data', data, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^Thicket is at (\S+)\/$/.exec(line)?.[1]
      child.stdout.resume()
      if (url !== undefined) return new RelayProcess(child, url.replace('localhost', '127.0.0.1'))
    }
    throw new Error('The relay ended before it was ready')
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode
    const gone = once(this.child, 'exit')
    this.child.kill(signal)
    await gone
    return this.child.exitCode
  }
}

/** Somebody who holds a topic's key. */
export class Holder {
  readonly topic: string
  readonly pk: Uint8Array
  readonly seed: Uint8Array
  private readonly key: KeyObject

  constructor() {
    const { privateKey } = generateKeyPairSync('ed25519')
    this.key = privateKey
    this.seed = new Uint8Array(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'))
    this.pk = new Uint8Array(Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url'))
    this.topic = toHex(sha256(this.pk).subarray(0, 16))
  }

  sign(bytes: Uint8Array): Uint8Array { return new Uint8Array(sign(null, bytes, this.key)) }

  /** A post as it goes over the wire. */
  sealed(parcel: Uint8Array, topic = this.topic): Uint8Array { return encodePost(this.pk, this.sign(postSignedBytes(topic, sha256(parcel))), parcel) }

  post(url: string, parcel: Uint8Array): Promise<Response> { return send(`${url}/v1/topics/${this.topic}`, this.sealed(parcel)) }

  async kept(url: string, parcel: Uint8Array): Promise<Kept> {
    const answer = await this.post(url, parcel)
    const kept = decodeKept(new Uint8Array(await answer.arrayBuffer()))
    if (kept === undefined) throw new Error(`not kept: ${answer.status}`)
    return kept
  }

  /** That this is somebody who may read, now. */
  proof(challenge: Uint8Array): { pk: Uint8Array; sig: Uint8Array; challenge: Uint8Array } { return { pk: this.pk, sig: this.sign(readSignedBytes(this.topic, challenge)), challenge } }

  request(challenge: Uint8Array, since: number): Uint8Array { return encodeRead({ ...this.proof(challenge), since }) }

  async page(url: string, since: number): Promise<Page> {
    const challenge = new Uint8Array(await (await fetch(`${url}/v1/challenge`)).arrayBuffer())
    const answer = await send(`${url}/v1/topics/${this.topic}/read`, this.request(challenge, since))
    const page = decodePage(new Uint8Array(await answer.arrayBuffer()))
    if (page === undefined) throw new Error(`no page: ${answer.status}`)
    return page
  }

  /** Everything the relay has, page by page. */
  async all(url: string): Promise<Page['parcels']> {
    const out = []
    for (let page = await this.page(url, 0); ; page = await this.page(url, page.next)) {
      out.push(...page.parcels)
      if (page.end) return out
    }
  }
}

export const send = (url: string, body: Uint8Array, method = 'POST'): Promise<Response> => fetch(url, { method, body: body.slice(), headers: { 'content-type': 'application/octet-stream' } })

/** One push socket, and everything heard on it in order. */
export class Listener {
  readonly socket: WebSocket
  private readonly heard: FromRelay[] = []
  private wake: (() => void) | undefined
  private challenge: Uint8Array | undefined

  private constructor(url: string) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/push`)
    this.socket.on('message', (data: Buffer) => {
      const message = decodeFromRelay(new Uint8Array(data))
      if (message !== undefined) this.heard.push(message)
      this.wake?.()
    })
    this.socket.on('error', () => {})
  }

  static async open(url: string): Promise<Listener> {
    const listener = new Listener(url)
    const first = await listener.next()
    if (first.type !== 'challenge') throw new Error(`a relay speaks first with a challenge, not ${first.type}`)
    listener.challenge = first.challenge
    return listener
  }

  async next(): Promise<FromRelay> {
    while (this.heard.length === 0) await new Promise<void>((resolve) => { this.wake = resolve })
    return this.heard.shift() as FromRelay
  }

  async page(): Promise<Page> {
    const message = await this.next()
    if (message.type !== 'page') throw new Error(`not a page: ${message.type}`)
    return message.page
  }

  watch(holder: Holder, since: number): void {
    const sig = holder.sign(watchSignedBytes(holder.topic, this.challenge as Uint8Array))
    this.socket.send(encodeToRelay({ type: 'watch', topic: holder.topic, pk: holder.pk, sig, since }))
  }

  close(): void { this.socket.terminate() }
}
