/** The lock as tabs meet it, with a vault that knows one passphrase. */
import { expect, test } from 'vitest'
import type { DoorAnswer, LockInfo, LockWay, Secret } from '../api.ts'
import { Door, type DoorParts } from './door.ts'

const MINUTE_MS = 60_000

class Vault {
  passphrase: string | undefined
  minutes = 0
  failed = 0
  passkeys = 0
  async ways(): Promise<readonly LockWay[]> { return this.passphrase === undefined ? [] : [{ type: 'passphrase' }, { type: 'recovery' }] }
  async door(): Promise<{ ways: readonly LockWay[]; failed: number; waitUntil: number }> { return { ways: await this.ways(), failed: this.failed, waitUntil: this.failed >= 2 ? Infinity : 0 } }
  async check(secret: Secret): Promise<boolean> {
    const isIt = secret.type === 'passphrase' && secret.text === this.passphrase
    this.failed = isIt ? 0 : this.failed + 1
    return isIt
  }
  async setPassphrase(text: string): Promise<string | undefined> { if (text.length < 8) return undefined; this.passphrase = text; return 'CODE' }
  async addPasskey(): Promise<boolean> { this.passkeys++; return this.passphrase !== undefined }
  async removePasskeys(): Promise<void> { this.passkeys = 0 }
  async removeLock(): Promise<void> { this.passphrase = undefined }
  async lockAfter(): Promise<number> { return this.minutes }
  async setLockAfter(minutes: number): Promise<void> { this.minutes = minutes }
}

async function start(vault = new Vault()): Promise<{ vault: Vault; door: Door; told: LockInfo[]; locked: () => number; pass: (ms: number) => void }> {
  const told: LockInfo[] = []
  let locks = 0, at = 0
  const parts: DoorParts = { vault, now: () => at, lock: () => { locks++ }, tell: (info) => { told.push(info) } }
  const door = new Door(parts)
  await door.begin()
  return { vault, door, told, locked: () => locks, pass: (ms) => { at += ms } }
}

const ok: DoorAnswer = { ok: true }
const current = (text: string): Secret => ({ type: 'passphrase', text })

test('a passphrase is set by whoever is there, and changed or taken away only by who knows it', async () => {
  const { door, told, vault } = await start()
  expect(await door.ask({ type: 'lock' })).toMatchObject({ ok: false })
  expect(await door.ask({ type: 'set-passphrase', passphrase: 'short' })).toMatchObject({ ok: false, message: expect.stringContaining('8 characters') })
  expect(await door.ask({ type: 'set-passphrase', passphrase: 'four horses' })).toEqual({ ok: true, recovery: 'CODE' })
  expect(told.at(-1)).toMatchObject({ type: 'open', ways: [{ type: 'passphrase' }, { type: 'recovery' }] })
  expect(await door.ask({ type: 'set-passphrase', passphrase: 'five horses' })).toMatchObject({ ok: false })
  expect(await door.ask({ type: 'set-passphrase', passphrase: 'five horses', current: current('no horses') })).toMatchObject({ ok: false })
  expect(await door.ask({ type: 'remove-lock', current: current('no horses') })).toMatchObject({ ok: false, message: 'That does not open it. Wait a moment before the next try.' })
  expect(vault.passphrase).toBe('four horses')
  expect(await door.ask({ type: 'remove-lock', current: current('four horses') })).toEqual(ok)
  expect(told.at(-1)).toMatchObject({ type: 'open', ways: [] })
})

test('who sits down at an open door for a moment leaves no passkey behind, and takes none away', async () => {
  const { door, vault } = await start(), passkey = { type: 'add-passkey', credential: new Uint8Array(20), salt: new Uint8Array(32), output: new Uint8Array(32) } as const
  await door.ask({ type: 'set-passphrase', passphrase: 'four horses' })
  expect(await door.ask({ type: 'prove', current: current('no horses') })).toMatchObject({ ok: false })
  expect(await door.ask({ ...passkey, current: current('no horses') })).toMatchObject({ ok: false })
  expect(vault.passkeys).toBe(0)
  expect([await door.ask({ type: 'prove', current: current('four horses') }), await door.ask({ ...passkey, current: current('four horses') })]).toEqual([ok, ok])
  expect(await door.ask({ type: 'remove-passkeys', current: current('no horses') })).toMatchObject({ ok: false })
  expect(vault.passkeys).toBe(1)
  expect(await door.ask({ type: 'remove-passkeys', current: current('four horses') })).toEqual(ok)
  expect(vault.passkeys).toBe(0)
})

test('it locks after a while without anybody, and not while somebody is there', async () => {
  const { door, locked, pass } = await start()
  await door.ask({ type: 'set-passphrase', passphrase: 'four horses' })
  expect(await door.ask({ type: 'lock-after', minutes: 5 })).toEqual(ok)
  pass(4 * MINUTE_MS)
  door.active()
  pass(4 * MINUTE_MS)
  await door.look()
  expect(locked()).toBe(0)
  // The device slept for a night.
  pass(8 * 60 * MINUTE_MS)
  await door.look()
  expect(locked()).toBe(1)
})

test('the wish to lock by itself outlives a restart, and does nothing where there is no lock', async () => {
  const vault = new Vault()
  vault.minutes = 1
  const { door, locked, pass, told } = await start(vault)
  expect(told).toEqual([{ type: 'open', ways: [], lockAfterMinutes: 1 }])
  pass(5 * MINUTE_MS)
  await door.look()
  expect(locked()).toBe(0)
  vault.passphrase = 'four horses'
  await door.look()
  expect(locked()).toBe(1)
})
