/**
 * What this browser takes to verify, open, seal and keep the same ops with no product around it. Floor: the best composition of what the platform has, which
 * is chain hashes with a signature at every thousandth op, a thousand ops to a sealed segment. Naive: a signature, an opening, a sealing and a record for each op.
 */
import { createSHA256 } from 'hash-wasm'
import { concat, fromHex, utf8 } from '../../wire/bytes.ts'
import type { Op } from '../../wire/op.ts'
import type { Speeds } from './jobs.ts'

const SEGMENT_OPS = 1000
/** Ops of one transaction of the naive way. */
const BATCH_OPS = 100
/** The naive way is measured on so many: it is as slow at any size. */
const NAIVE_OPS = 5000
const DATABASE = 'bulk-floor'

type Bytes = Uint8Array<ArrayBuffer>
const own = (bytes: Uint8Array): Bytes => bytes as Bytes
const nonce = (): Bytes => crypto.getRandomValues(new Uint8Array(12))

export async function floors(ops: readonly Op[]): Promise<Speeds> {
  const db = await open()
  try {
    const sealer = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    const some = ops.slice(0, NAIVE_OPS)
    const floorMs = await bulk(db, sealer, ops)
    return { floor: ops.length / (floorMs / 1000), naive: some.length / (await oneByOne(db, sealer, some) / 1000) }
  } finally {
    db.close()
    indexedDB.deleteDatabase(DATABASE)
  }
}

const open = (): Promise<IDBDatabase> => new Promise((resolve, reject) => {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => { opening.result.createObjectStore('rows', { autoIncrement: true }) }
  opening.onsuccess = () => { resolve(opening.result) }
  opening.onerror = () => { reject(opening.error ?? new Error('the floor could not be measured')) }
})

const keep = (db: IDBDatabase, rows: readonly Uint8Array[]): Promise<void> => new Promise((resolve, reject) => {
  const transaction = db.transaction('rows', 'readwrite', { durability: 'strict' })
  for (const row of rows) transaction.objectStore('rows').put(row)
  transaction.oncomplete = () => { resolve() }
  transaction.onabort = () => { reject(transaction.error ?? new Error('the floor could not be measured: aborted')) }
})

async function bulk(db: IDBDatabase, sealer: CryptoKey, ops: readonly Op[]): Promise<number> {
  const hash = await createSHA256(), signer = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  // What comes in: sealed segments, each with a signature over its last hash.
  const incoming: { readonly iv: Bytes; readonly sealed: ArrayBuffer; readonly sizes: readonly number[]; readonly signature: ArrayBuffer }[] = []
  let prev: Uint8Array = new Uint8Array(32)
  const follow = (bytes: Uint8Array): void => { prev = hash.init().update(prev).update(bytes).digest('binary') }
  for (let n = 0; n < ops.length; n += SEGMENT_OPS) {
    const segment = ops.slice(n, n + SEGMENT_OPS), iv = nonce()
    for (const { bytes } of segment) follow(bytes)
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, sealer, own(concat(...segment.map(({ bytes }) => bytes))))
    incoming.push({ iv, sealed, sizes: segment.map(({ bytes }) => bytes.length), signature: await crypto.subtle.sign('Ed25519', signer.privateKey, own(prev)) })
  }
  prev = new Uint8Array(32)
  const start = performance.now()
  for (const { iv, sealed, sizes, signature } of incoming) {
    const packed = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, sealer, sealed))
    let at = 0
    for (const size of sizes) { follow(packed.subarray(at, at + size)); at += size }
    if (!await crypto.subtle.verify('Ed25519', signer.publicKey, signature, own(prev))) throw new Error('the floor is not sound')
    await keep(db, [new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce() }, sealer, packed))])
  }
  return performance.now() - start
}

async function oneByOne(db: IDBDatabase, sealer: CryptoKey, ops: readonly Op[]): Promise<number> {
  const incoming: { readonly op: Op; readonly iv: Bytes; readonly sealed: ArrayBuffer }[] = []
  for (const op of ops) { const iv = nonce(); incoming.push({ op, iv, sealed: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, sealer, own(op.body)) }) }
  const start = performance.now()
  let rows: Uint8Array[] = []
  for (const { op, iv, sealed } of incoming) {
    const device = await crypto.subtle.importKey('raw', own(fromHex(op.header.device) as Uint8Array), 'Ed25519', false, ['verify'])
    if (!await crypto.subtle.verify('Ed25519', device, own(op.sig), own(concat(utf8('tk1 op'), fromHex(op.id) as Uint8Array)))) throw new Error('the naive way is not sound')
    await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, sealer, sealed)
    rows.push(new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce() }, sealer, own(op.bytes))))
    if (rows.length === BATCH_OPS) { await keep(db, rows); rows = [] }
  }
  await keep(db, rows)
  return performance.now() - start
}
