import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { concat, toHex } from '../wire/bytes.ts'
import { decodeEnvelope, encodeEnvelope, openDataKey, unwrapDataKey, wrapDataKey } from './device-key.ts'
import { fileKeyring } from './device-key-file.ts'

let dir = ''
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'thicket-keys-')) })
afterEach(() => { rmSync(dir, { recursive: true }) })

const NO_PARAMS = new Uint8Array()
const wrappingKey = (fill: number): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', new Uint8Array(32).fill(fill), 'AES-GCM', false, ['encrypt', 'decrypt'])

test('a new disk gets a key, and the same one ever after', async () => {
  const first = await openDataKey(fileKeyring(dir), async () => true)
  expect(first.length).toBe(32)
  expect(await openDataKey(fileKeyring(dir), async () => false)).toEqual(first)
  expect(await openDataKey(fileKeyring(dir), async () => true)).toEqual(first)
})

test('the data key lies nowhere bare, and others may not read its files', async () => {
  const dataKey = await openDataKey(fileKeyring(dir), async () => true)
  expect(readdirSync(dir).sort()).toEqual(['data.key', 'device.key'])
  for (const name of readdirSync(dir)) {
    expect(toHex(readFileSync(join(dir, name))).includes(toHex(dataKey))).toBe(false)
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
  }
})

test('a disk whose key is gone, damaged or another one is never given a new key', async () => {
  await openDataKey(fileKeyring(dir), async () => true)
  const [device, envelope] = [readFileSync(join(dir, 'device.key')), readFileSync(join(dir, 'data.key'))]
  const isCorrupt = { reason: 'corrupt' }
  rmSync(join(dir, 'device.key'))
  await expect(openDataKey(fileKeyring(dir), async () => false)).rejects.toMatchObject(isCorrupt)
  writeFileSync(join(dir, 'device.key'), device.subarray(0, 31))
  await expect(openDataKey(fileKeyring(dir), async () => false)).rejects.toMatchObject(isCorrupt)
  writeFileSync(join(dir, 'device.key'), new Uint8Array(32))
  await expect(openDataKey(fileKeyring(dir), async () => false)).rejects.toMatchObject(isCorrupt)
  writeFileSync(join(dir, 'device.key'), device)
  writeFileSync(join(dir, 'data.key'), envelope.subarray(1))
  await expect(openDataKey(fileKeyring(dir), async () => false)).rejects.toMatchObject(isCorrupt)
  rmSync(join(dir, 'data.key'))
  await expect(openDataKey(fileKeyring(dir), async () => false)).rejects.toMatchObject(isCorrupt)
})

test('an envelope may hold several wraps, also of types only a newer program knows', async () => {
  const dataKey = new Uint8Array(32).fill(7)
  const wraps = [
    await wrapDataKey(dataKey, 'passkey', Uint8Array.of(1, 2, 3), await wrappingKey(1)),
    await wrapDataKey(dataKey, 'file', NO_PARAMS, await wrappingKey(2)),
    await wrapDataKey(dataKey, 'file', NO_PARAMS, await wrappingKey(3)),
  ]
  const envelope = encodeEnvelope(wraps)
  expect(decodeEnvelope(envelope)).toEqual(wraps)
  expect(await unwrapDataKey(envelope, 'passkey', await wrappingKey(1))).toEqual(dataKey)
  expect(await unwrapDataKey(envelope, 'file', await wrappingKey(3))).toEqual(dataKey)
  expect(await unwrapDataKey(envelope, 'file', await wrappingKey(1))).toBeUndefined()
  // Type and parameters are authenticated: nobody lowers the cost of a passphrase, or passes one wrap off as another.
  const [first] = wraps
  if (first === undefined) throw new Error('three wraps were made')
  expect(await unwrapDataKey(encodeEnvelope([{ ...first, params: Uint8Array.of(1, 2, 4) }]), 'passkey', await wrappingKey(1))).toBeUndefined()
  expect(await unwrapDataKey(encodeEnvelope([{ ...first, type: 'file' }]), 'file', await wrappingKey(1))).toBeUndefined()
})

test('an envelope cut off, lengthened or changed anywhere opens nothing else', async () => {
  const dataKey = new Uint8Array(32).fill(7)
  const key = await wrappingKey(1)
  const envelope = encodeEnvelope([await wrapDataKey(dataKey, 'file', NO_PARAMS, key)])
  for (let at = 0; at < envelope.length; at++) {
    expect(decodeEnvelope(envelope.slice(0, at))).toBeUndefined()
    const changed = envelope.slice()
    changed[at] = (changed[at] as number) ^ 1
    expect(await unwrapDataKey(changed, 'file', key)).toBeUndefined()
  }
  expect(decodeEnvelope(concat(envelope, Uint8Array.of(0)))).toBeUndefined()
  expect(toHex(await unwrapDataKey(envelope, 'file', key) ?? NO_PARAMS)).toBe(toHex(dataKey))
})
