/** The relay as it is run: a real process, killed, stopped, lied to, flooded. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { encodeCompareRequest, encodeFetchRequest } from '../src/wire/compare.ts'
import { concat, utf8 } from '../src/wire/bytes.ts'
import { encodePost, encodeToRelay, MAX_PAGE_PARCELS, MAX_POST_BYTES, NO_HASH, postSignedBytes, readSignedBytes } from '../src/wire/relay.ts'
import { Holder, Listener, RelayProcess, runRelay, send } from './process.test-support.ts'
import { DEFAULT_LIMITS, Mailbox } from './mailbox.ts'
import { sha256 } from './proof.ts'
import { openSqliteStore } from './store-sqlite.ts'

const running: RelayProcess[] = []
const listeners: Listener[] = []
const folders: string[] = []
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'relay-')); folders.push(made); return made }
async function start(data = folder(), ...args: readonly string[]): Promise<RelayProcess> {
  const relay = await RelayProcess.start(data, ...args)
  running.push(relay)
  return relay
}
async function listen(url: string): Promise<Listener> {
  const listener = await Listener.open(url)
  listeners.push(listener)
  return listener
}
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close()
  await Promise.all(running.splice(0).map((relay) => relay.end('SIGKILL')))
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true })
})
const numbered = (n: number): Uint8Array => utf8(`parcel ${n}`)

describe('the command', () => {
  test('a bad flag gets one line and exit code 2', async () => {
    for (const args of [['--nonsense'], ['--port', 'x'], ['--port', '70000'], ['--public-url', 'ftp://x'], ['--data', ''], ['stray']]) {
      const { code, out, err } = await runRelay(args)
      expect([code, out, err.trimEnd().split('\n').length], args.join(' ')).toEqual([2, '', 1])
    }
    expect((await runRelay([], { ...process.env, PORT: 'x' })).code).toBe(2)
  })

  test('a port in use, a file for a folder and a folder in use get one line and exit code 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    const data = folder(), file = join(folder(), 'file')
    writeFileSync(file, '')
    await start(data)
    const port = String((taken.address() as AddressInfo).port)
    const cases: [string[], RegExp][] = [
      [['--port', port, '--data', folder()], /^Port \d+ is in use/], [['--port', '0', '--data', file], /is not a folder/], [['--port', '0', '--data', data], /^Another relay uses/],
    ]
    for (const [args, line] of cases) {
      const { code, out, err } = await runRelay(args)
      expect([code, out, err.trimEnd().split('\n').length]).toEqual([1, '', 1])
      expect(err).toMatch(line)
    }
    taken.close()
  })

  test('stops cleanly on SIGTERM, with somebody still connected', async () => {
    const relay = await start()
    await listen(relay.url)
    expect(await relay.end('SIGTERM')).toBe(0)
  })
})

describe('what is kept', () => {
  test('everything that was acknowledged survives a kill in the middle of many posts, and the relay stays itself', async () => {
    const data = folder(), alice = new Holder()
    const first = await start(data)
    const before: unknown = await (await fetch(`${first.url}/v1/relay`)).json()
    const acknowledged: number[] = []
    let sent = 0
    let enough = (): void => {}
    const many = new Promise<void>((resolve) => { enough = resolve })
    const write = async (): Promise<void> => {
      while (sent < 190) {
        const n = sent++
        try { await alice.kept(first.url, numbered(n)) } catch { return }
        acknowledged.push(n)
        if (acknowledged.length === 40) enough()
      }
    }
    const writers = Array.from({ length: 8 }, write)
    await many
    await first.end('SIGKILL')
    await Promise.all(writers)
    const second = await start(data)
    const texts = new Set((await alice.all(second.url)).map((p) => new TextDecoder().decode(p.bytes)))
    for (const n of acknowledged) expect(texts.has(`parcel ${n}`)).toBe(true)
    const after = await (await fetch(`${second.url}/v1/relay`)).json() as Record<string, unknown>
    expect({ ...after, addresses: 0 }).toEqual({ ...(before as object), addresses: 0 })
    expect(statSync(join(data, 'relay.key')).mode & 0o777).toBe(0o600)
  })

  test('the same post again changes nothing', async () => {
    const relay = await start(), alice = new Holder()
    const first = await alice.kept(relay.url, utf8('sealed'))
    expect(await alice.kept(relay.url, utf8('sealed'))).toEqual(first)
    expect(first.head.hash).toEqual(sha256(concat(NO_HASH, sha256(utf8('sealed')))))
  })

  test('refuses what is malformed, oversized, unsigned or foreign, with the right status, and keeps nothing of it', async () => {
    const relay = await start(), alice = new Holder(), bob = new Holder()
    const at = `${relay.url}/v1/topics/${alice.topic}`, parcel = utf8('sealed')
    const challenge = new Uint8Array(await (await fetch(`${relay.url}/v1/challenge`)).arrayBuffer())
    const forged = challenge.slice()
    forged[7] = (forged[7] as number) ^ 1
    const unsigned = encodePost(alice.pk, new Uint8Array(64), parcel)
    const cases: [string, Promise<Response>, number, string][] = [
      ['nothing', send(at, new Uint8Array(0)), 400, 'malformed'],
      ['no parcel', send(at, new Uint8Array(96)), 400, 'malformed'],
      ['too large', send(at, new Uint8Array(MAX_POST_BYTES + 1)), 413, 'too-large'],
      ['unsigned', send(at, unsigned), 401, 'not-signed'],
      ['signed by another', send(at, bob.sealed(parcel, alice.topic)), 401, 'not-signed'],
      ['for another topic', send(at, alice.sealed(parcel, bob.topic)), 401, 'not-signed'],
      ['signature of another parcel', send(at, encodePost(alice.pk, alice.sign(postSignedBytes(alice.topic, sha256(utf8('x')))), parcel)), 401, 'not-signed'],
      ['capitals', send(`${relay.url}/v1/topics/${alice.topic.toUpperCase()}X`, alice.sealed(parcel)), 400, 'bad-topic'],
      ['wrong method', send(at, parcel, 'PUT'), 405, 'method'],
      ['get', fetch(at), 405, 'method'],
      ['nowhere', fetch(`${relay.url}/v1/nothing`), 404, 'not-found'],
      ['read, malformed', send(`${at}/read`, utf8('x')), 400, 'malformed'],
      ['read, forged challenge', send(`${at}/read`, alice.request(forged, 0)), 401, 'old-challenge'],
      ['read, by another', send(`${at}/read`, bob.request(challenge, 0)), 401, 'not-signed'],
      ['read, too large', send(`${at}/read`, new Uint8Array(5000)), 413, 'too-large'],
      ['compare, malformed', send(`${at}/compare`, utf8('x')), 400, 'malformed'],
      ['compare, by another', send(`${at}/compare`, encodeCompareRequest({ ...bob.proof(challenge), upTo: 0, ask: { type: 'ids', since: 0 } })), 401, 'not-signed'],
      ['compare, forged challenge', send(`${at}/compare`, encodeCompareRequest({ ...alice.proof(forged), upTo: 0, ask: { type: 'ids', since: 0 } })), 401, 'old-challenge'],
      ['compare, with more than there was', send(`${at}/compare`, encodeCompareRequest({ ...alice.proof(challenge), upTo: 1, ask: { type: 'ids', since: 0 } })), 409, 'changed'],
      ['fetch, malformed', send(`${at}/fetch`, utf8('x')), 400, 'malformed'],
      ['fetch, by another', send(`${at}/fetch`, encodeFetchRequest({ ...bob.proof(challenge), ids: new Uint8Array(16) })), 401, 'not-signed'],
    ]
    for (const [name, answer, status, code] of cases) {
      const got = await answer
      expect([name, got.status, (await got.json() as { code: string }).code]).toEqual([name, status, code])
    }
    expect(readSignedBytes(alice.topic, challenge)).not.toEqual(readSignedBytes(bob.topic, challenge))
    expect(await alice.page(relay.url, 0)).toMatchObject({ parcels: [], next: 0, end: true })
  })

  test('a body that grows beyond the limit without saying so is cut off with an answer', async () => {
    const relay = await start(), alice = new Holder()
    const socket = connect(Number(new URL(relay.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`POST /v1/topics/${alice.topic} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`)
    const chunk = Buffer.alloc(64 * 1024)
    for (let n = 0; n < 20; n++) { socket.write(`${chunk.length.toString(16)}\r\n`); socket.write(chunk); socket.write('\r\n') }
    const first = await new Promise<string>((resolve) => { socket.once('data', (data: Buffer) => resolve(data.toString())) })
    expect(first).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })
})

describe('the push socket', () => {
  test('pages through a thousand stored parcels, then pushes what arrives, in order', async () => {
    const data = folder(), alice = new Holder()
    const store = openSqliteStore(data)
    new Mailbox(store, sha256, { ...DEFAULT_LIMITS, burst: 1000 }).post(Array.from({ length: 1000 }, (_, n) => ({ topic: alice.topic, parcel: numbered(n) })), Date.now())
    store.close()
    const relay = await start(data)
    const bob = await listen(relay.url)
    bob.watch(alice, 0)
    const texts: string[] = []
    let at = 0
    for (let end = false; !end;) {
      const page = await bob.page()
      expect(page.since).toBe(at)
      expect(page.parcels.length).toBeLessThanOrEqual(MAX_PAGE_PARCELS)
      texts.push(...page.parcels.map((p) => new TextDecoder().decode(p.bytes)))
      at = page.next
      end = page.end
    }
    await alice.kept(relay.url, numbered(1000))
    const pushed = await bob.page()
    expect([pushed.since, pushed.next]).toEqual([1000, 1001])
    texts.push(...pushed.parcels.map((p) => new TextDecoder().decode(p.bytes)))
    expect(texts).toEqual(Array.from({ length: 1001 }, (_, n) => `parcel ${n}`))
    bob.watch(alice, 1001)
    expect(await bob.page()).toMatchObject({ since: 1001, parcels: [], end: true })
  })

  test('hands announcements to those who watch, not to who made them nor to others', async () => {
    const relay = await start(), topic = new Holder(), other = new Holder()
    const [alice, bob, carol] = await Promise.all([listen(relay.url), listen(relay.url), listen(relay.url)])
    alice.watch(topic, 0)
    bob.watch(topic, 0)
    carol.watch(other, 0)
    await Promise.all([alice.page(), bob.page(), carol.page()])
    const here = utf8('here')
    carol.socket.send(encodeToRelay({ type: 'announce', topic: topic.topic, bytes: utf8('not mine') }))
    carol.socket.send(encodeToRelay({ type: 'ping' }))
    expect((await carol.next()).type).toBe('pong')
    alice.socket.send(encodeToRelay({ type: 'announce', topic: topic.topic, bytes: here }))
    alice.socket.send(encodeToRelay({ type: 'ping' }))
    expect(await bob.next()).toEqual({ type: 'announced', topic: topic.topic, bytes: here })
    expect((await alice.next()).type).toBe('pong')
  })

  test('refuses a watch that another signed, and closes on nonsense', async () => {
    const relay = await start(), alice = new Holder(), bob = new Holder()
    const listener = await listen(relay.url)
    listener.socket.send(encodeToRelay({ type: 'watch', topic: alice.topic, pk: bob.pk, sig: bob.sign(utf8('x')), since: 0 }))
    expect(await listener.next()).toMatchObject({ type: 'refused', topic: alice.topic })
    const closed = new Promise<number>((resolve) => { listener.socket.once('close', resolve) })
    listener.socket.send(utf8('nonsense'))
    expect(await closed).toBe(1007)
  })
})

describe('the app’s files', () => {
  test('no path leads outside, and nothing but GET and HEAD is taken', async () => {
    const data = folder(), relay = await start(data)
    const secret = readFileSync(join(data, 'relay.key'))
    const raw = (path: string): Promise<string> => new Promise((resolve) => {
      let text = ''
      const socket = connect(Number(new URL(relay.url).port), '127.0.0.1', () => { socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`) })
      socket.on('data', (d: Buffer) => { text += d.toString('latin1') })
      socket.on('close', () => resolve(text))
    })
    for (const path of ['/../package.json', '/..%2fpackage.json', '/%2e%2e/package.json', '/assets/../../package.json', '//etc/passwd.txt', `/..%2f..${data}/relay.key`, '/%00.js', '/%ff']) {
      const answer = await raw(path)
      expect(answer, path).toMatch(/^HTTP\/1\.1 40[04] /)
      expect(answer.includes(secret.toString('latin1'))).toBe(false)
    }
    expect((await fetch(relay.url, { method: 'POST' })).status).toBe(405)
  })
})
