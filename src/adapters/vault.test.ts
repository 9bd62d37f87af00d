/** Locking a disk and opening it again, with Alice, who has a passphrase, a passkey, and a slip of paper. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEnvelope } from './device-key.ts'
import { type Door, type LockKeyring, openVault, type Tries, type Vault, waitAfter } from './vault.ts'
import { calibrate, cleanRecoveryCode, decodePasskeyParams, decodePassphraseParams, encodePassphraseParams, LEAST, newRecoveryCode, passphraseKey, type Secret, USUAL } from './vault-ways.ts'

/** What a browser keeps, kept here. */
class Kept implements LockKeyring {
  readonly type = 'browser'
  envelope: Uint8Array | undefined
  private wrappingKey: CryptoKey | undefined
  tries: Tries = { failed: 0, lastAt: 0 }

  async load(): Promise<{ wrappingKey: CryptoKey | undefined; envelope: Uint8Array | undefined }> { return { wrappingKey: this.wrappingKey, envelope: this.envelope } }
  async newWrappingKey(): Promise<CryptoKey> { return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']) }
  async keep(wrappingKey: CryptoKey, envelope: Uint8Array): Promise<void> { this.wrappingKey = wrappingKey; this.envelope = envelope }
  async keepEnvelope(envelope: Uint8Array): Promise<void> { this.envelope = envelope }
  lockAfter = 0
  async loadLockAfter(): Promise<number> { return this.lockAfter }
  async keepLockAfter(minutes: number): Promise<void> { this.lockAfter = minutes }
  async loadTries(): Promise<Tries> { return this.tries }
  async keepTries(tries: Tries): Promise<void> { this.tries = tries }
}

/** A clock on which everything takes long, so that a passphrase costs the least there is. */
class SlowClock {
  at = 1_000_000
  readonly now = (): number => { this.at += 600; return this.at }
}

/** Opens with these secrets, one after the other, and says what the doors looked like. */
async function open(keyring: Kept, secrets: readonly Secret[], clock = new SlowClock()): Promise<{ readonly vault: Vault; readonly doors: readonly Door[] }> {
  const doors: Door[] = [], left = [...secrets]
  const vault = await openVault({
    keyring, isNew: async () => false, now: clock.now,
    unlock: async (door) => {
      doors.push(door)
      clock.at = Math.max(clock.at, door.waitUntil)
      const secret = left.shift()
      if (secret === undefined) throw new Error('no more secrets')
      return secret
    },
  })
  return { vault, doors }
}

const fresh = async (): Promise<{ readonly keyring: Kept; readonly vault: Vault }> => {
  const keyring = new Kept()
  return { keyring, vault: await openVault({ keyring, isNew: async () => true, now: new SlowClock().now }) }
}
const phrase = (text: string): Secret => ({ type: 'passphrase', text })
const GOOD = 'four horses staple correctly'

test('a disk that nobody locked opens by itself; locked, the device alone opens it no more, and the passphrase does', async () => {
  const { keyring, vault } = await fresh()
  expect(await vault.ways()).toEqual([])
  expect((await openVault({ keyring, isNew: async () => false, now: Date.now })).dataKey).toEqual(vault.dataKey)
  expect(await vault.setPassphrase('short')).toBeUndefined()
  await vault.setPassphrase(GOOD)
  expect((decodeEnvelope(keyring.envelope ?? new Uint8Array()) ?? []).map((wrap) => wrap.type)).toEqual(['passphrase', 'recovery'])
  await expect(openVault({ keyring, isNew: async () => false, now: Date.now })).rejects.toMatchObject({ reason: 'closed' })
  const { vault: again, doors } = await open(keyring, [phrase('wrong horses'), phrase(GOOD)])
  expect(again.dataKey).toEqual(vault.dataKey)
  expect(doors.map((door) => door.failed)).toEqual([0, 1])
  await again.removeLock()
  expect((await openVault({ keyring, isNew: async () => false, now: Date.now })).dataKey).toEqual(vault.dataKey)
})

test('a changed passphrase and its new recovery code open; the former ones do not', async () => {
  const { keyring, vault } = await fresh()
  const first = await vault.setPassphrase(GOOD) ?? ''
  const second = await vault.setPassphrase('another one entirely') ?? ''
  expect(second).not.toBe(first)
  const typed = second.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o')
  const { vault: again, doors } = await open(keyring, [phrase(GOOD), { type: 'recovery', code: first }, { type: 'recovery', code: 'nonsense' }, { type: 'recovery', code: typed }])
  expect(again.dataKey).toEqual(vault.dataKey)
  expect(doors.length).toBe(4)
})

test('a passkey opens beside the passphrase, never instead of it', async () => {
  const { keyring, vault } = await fresh()
  const credential = new Uint8Array(20).fill(3), salt = new Uint8Array(32).fill(4), output = new Uint8Array(32).fill(5)
  expect(await vault.addPasskey(credential, salt, output)).toBe(false)
  await vault.setPassphrase(GOOD)
  expect(await vault.addPasskey(credential, salt, output)).toBe(true)
  const { vault: again, doors } = await open(keyring, [{ type: 'passkey', credential, output: new Uint8Array(32) }, { type: 'passkey', credential, output }])
  expect(again.dataKey).toEqual(vault.dataKey)
  expect(doors[0]?.ways).toEqual([{ type: 'passphrase' }, { type: 'recovery' }, { type: 'passkey', credential, salt }])
  await again.setPassphrase('a new one, and the passkey stays')
  expect((await again.ways()).map((way) => way.type)).toEqual(['passphrase', 'recovery', 'passkey'])
  await again.removePasskeys()
  await expect(open(keyring, [{ type: 'passkey', credential, output }])).rejects.toThrow('no more secrets')
  expect((await open(keyring, [phrase('a new one, and the passkey stays')])).vault.dataKey).toEqual(vault.dataKey)
})

test('wrong tries are remembered over restarts, and each makes the next wait longer', async () => {
  const { keyring, vault } = await fresh()
  await vault.setPassphrase(GOOD)
  const clock = new SlowClock()
  await expect(open(keyring, [1, 2, 3].map((n) => phrase(`wrong number ${n}`)), clock)).rejects.toThrow('no more secrets')
  expect(keyring.tries.failed).toBe(3)
  // Who tries before the time is not even looked at.
  const early: Door[] = []
  await expect(openVault({
    keyring, isNew: async () => false, now: () => keyring.tries.lastAt + 1,
    unlock: async (door) => { early.push(door); if (early.length > 1) throw new Error('asked again'); return phrase(GOOD) },
  })).rejects.toThrow('asked again')
  expect(keyring.tries.failed).toBe(3)
  const waits = Array.from({ length: 14 }, (_, failed) => waitAfter({ failed, lastAt: 1000 }) - 1000)
  expect(waits.slice(0, 7)).toEqual([-1000, -1000, -1000, 1000, 2000, 4000, 8000])
  expect(waits[13]).toBe(300_000)
  const { vault: again } = await open(keyring, [phrase(GOOD)])
  expect(again.dataKey).toEqual(vault.dataKey)
  expect(keyring.tries).toEqual({ failed: 0, lastAt: 0 })
})

test('a try counts from when it begins: ending the program in its midst is no way around the wait', async () => {
  const { keyring, vault } = await fresh()
  await vault.setPassphrase(GOOD)
  const counted: number[] = [], keep = keyring.keepTries.bind(keyring)
  keyring.keepTries = async (tries) => { counted.push(tries.failed); if (counted.length === 1) throw new Error('the program ended here'); await keep(tries) }
  await expect(open(keyring, [phrase(GOOD)])).rejects.toThrow('the program ended here')
  expect(counted).toEqual([1])
  expect((await open(keyring, [phrase(GOOD)])).vault.dataKey).toEqual(vault.dataKey)
  expect(keyring.tries).toEqual({ failed: 0, lastAt: 0 })
})

test('whose clock was a year ahead when they tried waits minutes after it was set right, not a year', async () => {
  const { keyring, vault } = await fresh()
  await vault.setPassphrase(GOOD)
  const now = Date.UTC(2026, 10, 21)
  keyring.tries = { failed: 12, lastAt: now + 365 * 24 * 3600_000 }
  const doors: Door[] = []
  let at = now
  const { dataKey } = await openVault({ keyring, isNew: async () => false, now: () => at, unlock: async (door) => { doors.push(door); at = Math.max(at, door.waitUntil); return phrase(GOOD) } })
  expect(dataKey).toEqual(vault.dataKey)
  expect(doors.map((door) => [door.failed, door.waitUntil - now])).toEqual([[12, 300_000]])
})

test('the same passphrase typed in another Unicode form opens; a cheaper cost written into the envelope does not', async () => {
  const { keyring, vault } = await fresh()
  await vault.setPassphrase('Käsekuchen ﬁndet Öl')
  expect((await open(keyring, [phrase('Käsekuchen findet Öl'.normalize('NFD'))])).vault.dataKey).toEqual(vault.dataKey)
  const [wrap] = decodeEnvelope(keyring.envelope ?? new Uint8Array()) ?? []
  const params = decodePassphraseParams(wrap?.params ?? new Uint8Array())
  expect(params?.cost).toEqual(LEAST)
  for (const [kib, passes] of [[4, 2], [2 ** 21, 2], [19456, 0], [19456, 17]] as const) expect(decodePassphraseParams(encodePassphraseParams(new Uint8Array(16), { kib, passes }))).toBeUndefined()
})

test('a fast device pays the usual cost, a slow one less, none less than the least', async () => {
  const taking = (ms: number): (() => number) => { let at = 0; return () => { at += ms; return at } }
  expect(await calibrate(taking(1))).toEqual(USUAL)
  expect(await calibrate(taking(200))).toEqual({ kib: 64 * 1024, passes: 2 })
  expect(await calibrate(taking(10_000))).toEqual(LEAST)
})

test('recovery codes survive handwriting, and what is no code is told from a wrong one without a try', async () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 26, maxLength: 26 }), (random) => {
    const code = newRecoveryCode(() => random)
    expect(code).toMatch(/^([0-9A-Z]{5}-){5}[0-9A-Z]$/)
    expect(cleanRecoveryCode(` ${code.toLowerCase().replaceAll('1', 'l').replaceAll('0', 'o')} `)).toBe(code.replaceAll('-', ''))
  }))
  for (const typed of ['', 'ABC', `${'A'.repeat(25)}U`, 'A'.repeat(27), 'A'.repeat(1000)]) expect(cleanRecoveryCode(typed)).toBeUndefined()
})

test('parameters that are damaged are no parameters', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => { expect([decodePassphraseParams(bytes), decodePasskeyParams(bytes)]).toBeDefined() }))
  expect(await passphraseKey(GOOD, new Uint8Array(5))).toBeUndefined()
})
