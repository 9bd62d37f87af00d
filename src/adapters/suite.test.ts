import { expect, test, vi } from 'vitest'
import { toHex } from '../wire/bytes.ts'
import { seededRandom, systemRandom } from './random.ts'
import { suiteContract } from './suite.contract.ts'
import { createSuite, type Curves, type Engine } from './suite.ts'
import { nodeCurves } from './suite-curves-node.ts'
import { type Aead, createAead, loadSodiumAead, nobleAead } from './suite-xchacha.ts'

suiteContract('WebCrypto', (random) => createSuite(random, 'webcrypto'))
suiteContract('noble', (random) => createSuite(random, 'noble'))
suiteContract('Node\'s own library', (random) => createSuite(random, nodeCurves()))
suiteContract('libsodium', async (random) => createSuite(random, 'webcrypto', await loadSodiumAead()))

test('noble and libsodium seal alike, open what the other sealed, and refuse the same', async () => {
  const sodium = await loadSodiumAead(), random = seededRandom('aead')
  for (const length of [0, 1, 15, 16, 64, 300, 16_000, 16_384, 70_000]) {
    const [key, nonce, aad, text] = [random.bytes(32), random.bytes(24), random.bytes(length % 90), random.bytes(length)]
    const sealed = nobleAead.seal(key, nonce, aad, text)
    const made = sodium.seal(key, nonce, aad, text)
    for (const aead of [nobleAead, sodium]) expect(toHex(aead.sealBriefly(key, nonce, aad, text))).toBe(toHex(sealed))
    sodium.sealBriefly(key, nonce, aad, new Uint8Array(length))
    expect(toHex(made), 'nothing is written over it').toBe(toHex(sealed))
    for (const aead of [nobleAead, sodium]) {
      expect(toHex(aead.open(key, nonce, aad, sealed) ?? key)).toBe(toHex(text))
      const wrong = [sealed.with(length, (sealed[length] ?? 0) ^ 1), sealed.slice(0, -1), sealed.slice(0, 15), new Uint8Array()]
      for (const one of wrong) expect(aead.open(key, nonce, aad, one)).toBeUndefined()
      expect(aead.open(key, nonce, new Uint8Array([...aad, 0]), sealed)).toBeUndefined()
      expect(aead.open(key.subarray(1), nonce, aad, sealed)).toBeUndefined()
    }
  }
})

test('libsodium is asked for once, after much was sealed; where it can\'t be had, all goes on', async () => {
  const key = new Uint8Array(32), nonce = new Uint8Array(24), text = new Uint8Array(40)
  let asked = 0, isThere = false
  const better: Aead = { ...nobleAead, seal: (...given) => { isThere = true; return nobleAead.seal(...given) } }
  const load = async (result: Promise<Aead>): Promise<void> => {
    const aead = createAead(() => { asked++; return result })
    for (let n = 0; n < 100; n++) aead.seal(key, nonce, text, text)
    expect(asked).toBe(0)
    for (let n = 0; n < 400; n++) { aead.seal(key, nonce, text, text); await Promise.resolve() }
    expect(toHex(aead.seal(key, nonce, text, text))).toBe(toHex(nobleAead.seal(key, nonce, text, text)))
    expect(asked).toBe(1)
    asked = 0
  }
  await load(Promise.reject(new Error('no WebAssembly here')))
  expect(isThere).toBe(false)
  await load(Promise.resolve(better))
  expect(isThere).toBe(true)
})

test('all engines give the same bytes', async () => {
  const bytes = async (engine: Engine | Curves): Promise<string[]> => {
    const random = seededRandom('both'), suite = await createSuite(random, engine)
    const key = await suite.signingKey(random.bytes(32)), box = await suite.boxKey(random.bytes(32))
    const { hpke } = suite.mls
    const pair = await hpke.deriveKeyPair(random.bytes(32))
    return [key.publicKey, box.publicKey, await suite.sign(key.secretKey, random.bytes(100)), await suite.sealTo(box.publicKey, key.publicKey, key.publicKey, random.bytes(40)),
      await hpke.exportPublicKey(pair.publicKey), (await hpke.seal(pair.publicKey, random.bytes(32), random.bytes(8))).ct].map(toHex)
  }
  expect(await bytes('webcrypto')).toEqual(await bytes('noble'))
  expect(await bytes(nodeCurves())).toEqual(await bytes('noble'))
})

test('a suite without a named engine works, whatever this runtime has', async () => {
  const suite = await createSuite(systemRandom())
  const key = await suite.signingKey(new Uint8Array(32))
  expect(await suite.verify(key.publicKey, await suite.sign(key.secretKey, new Uint8Array(3)), new Uint8Array(3))).toBe(true)
})

test('seeded chance repeats, differs by seed, and doesn\'t depend on how it is asked for by words', () => {
  const a = seededRandom(7), b = seededRandom(7)
  expect(a.bytes(40)).toEqual(b.bytes(40))
  expect(a.bytes(8)).not.toEqual(seededRandom(8).bytes(8))
  const whole = seededRandom('x').bytes(12), parts = seededRandom('x')
  expect([...parts.bytes(4), ...parts.bytes(8)]).toEqual([...whole])
})

test('seeded chance is even: each bit of a million bytes is set about half the time', () => {
  const counts = new Array<number>(8).fill(0)
  for (const byte of seededRandom('even').bytes(1_000_000)) for (let i = 0; i < 8; i++) counts[i] = (counts[i] ?? 0) + ((byte >> i) & 1)
  // Five standard deviations of a fair coin.
  for (const count of counts) expect(Math.abs(count - 500_000)).toBeLessThan(2500)
})

test('system chance fills more than one call of the runtime gives', () => {
  const bytes = systemRandom().bytes(70_000)
  expect(bytes.subarray(65_536).some((b) => b !== 0)).toBe(true)
})

test('the tables of AES are made once, when the app has been opened', async () => {
  const made = vi.fn()
  vi.doMock('@noble/ciphers/aes.js', async (importOriginal) => { made(); return importOriginal() })
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  vi.resetModules()
  try {
    const hpke = await import('./suite-hpke.ts')
    await vi.advanceTimersByTimeAsync(1900)
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(made).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(100)
    await vi.waitFor(() => { expect(made).toHaveBeenCalledOnce() })
    await hpke.gcm(new Uint8Array(16), new Uint8Array(12), new Uint8Array())
    expect(made).toHaveBeenCalledOnce()
  } finally {
    vi.useRealTimers()
    vi.doUnmock('@noble/ciphers/aes.js')
    vi.resetModules()
  }
})
