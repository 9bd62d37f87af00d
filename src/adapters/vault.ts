/**
 * Who may open a disk. While only the device's own key opens it, it opens by itself; once a person has locked it, that key's wrap is gone, and the
 * data key comes only with a passphrase, a passkey or the recovery code. Changing the ways rewrites the envelope, never the disk.
 */
import { DiskError } from '../ports.ts'
import { decodeEnvelope, encodeEnvelope, type Keyring, openDataKey, unwrapDataKey, type Wrap, wrapDataKey } from './device-key.ts'
import {
  calibrate, decodePasskeyParams, encodePasskeyParams, encodePassphraseParams, MAX_PASSPHRASE_CHARS, MIN_PASSPHRASE_CHARS, newRecoveryCode, passkeyKey, PASSKEY_SALT_BYTES, passphraseKey, recoveryKey,
  SALT_BYTES, type LockWay, type Secret,
} from './vault-ways.ts'

/** `failed`: tries since it was last opened; none is looked at before `waitUntil`, ms since 1970. */
export interface Door { readonly ways: readonly LockWay[]; readonly failed: number; readonly waitUntil: number }

/** Asked until something opens. */
export type Unlock = (door: Door) => Promise<Secret>

export interface Tries { readonly failed: number; readonly lastAt: number }

/** A keyring that also remembers failed tries, so that closing the tab is no way around the wait. */
export interface LockKeyring extends Keyring {
  loadTries(): Promise<Tries>
  keepTries(tries: Tries): Promise<void>
  keepEnvelope(envelope: Uint8Array): Promise<void>
  /** Minutes without anybody at the device after which it locks itself; 0: never. */
  loadLockAfter(): Promise<number>
  keepLockAfter(minutes: number): Promise<void>
}

export interface VaultParts {
  readonly keyring: LockKeyring
  /** What the keyring loads, where that has begun. */
  readonly kept?: ReturnType<LockKeyring['load']>
  /** Whether the disk has no blocks yet. Asked where there is no key. */
  readonly isNew: () => Promise<boolean>
  /** Left out: a locked disk is not opened. */
  readonly unlock?: Unlock | undefined
  readonly now: () => number
}

const FREE_TRIES = 3
const MAX_WAIT_MS = 5 * 60_000

/** 1 s after the third wrong try in a row, then twice as long each time, up to five minutes. */
export function waitAfter({ failed, lastAt }: Tries): number {
  return failed < FREE_TRIES ? 0 : lastAt + Math.min(MAX_WAIT_MS, 1000 * 2 ** Math.min(20, failed - FREE_TRIES))
}

/** Opens the vault of a disk, asking whoever can open it. Rejects with DiskError. */
export async function openVault({ keyring, kept: loading = keyring.load(), isNew, unlock, now }: VaultParts): Promise<Vault> {
  const kept = await loading, { envelope, wrappingKey } = kept
  const wraps = envelope === undefined ? [] : decodeEnvelope(envelope) ?? []
  if (envelope === undefined || wraps.length === 0 || wraps.some((wrap) => wrap.type === keyring.type)) return new Vault(keyring, await openDataKey(keyring, isNew, kept), now)
  if (unlock === undefined || wrappingKey === undefined) throw new DiskError('closed', 'This disk is locked. Unlock it first.')
  for (;;) {
    const tries = await triesSoFar(keyring, now), waitUntil = waitAfter(tries)
    const secret = await unlock({ ways: waysOf(wraps), failed: tries.failed, waitUntil })
    const dataKey = await tryOnce(keyring, wraps, secret, now)
    if (dataKey !== undefined) return new Vault(keyring, dataKey, now)
  }
}

/** A clock that was set back meanwhile makes the wait begin anew, rather than last until that time comes again. */
async function triesSoFar(keyring: LockKeyring, now: () => number): Promise<Tries> {
  const tries = await keyring.loadTries(), at = now()
  if (tries.lastAt <= at) return tries
  const anew = { ...tries, lastAt: at }
  await keyring.keepTries(anew)
  return anew
}

/** One try, unless it is too early for one. It is counted before it is looked at: whoever ends the program in its midst has had it. */
async function tryOnce(keyring: LockKeyring, wraps: readonly Wrap[], secret: Secret, now: () => number): Promise<Uint8Array | undefined> {
  const tries = await triesSoFar(keyring, now)
  if (now() < waitAfter(tries)) return undefined
  await keyring.keepTries({ failed: tries.failed + 1, lastAt: now() })
  const dataKey = await tryToOpen(wraps, secret)
  await keyring.keepTries(dataKey === undefined ? { failed: tries.failed + 1, lastAt: now() } : { failed: 0, lastAt: 0 })
  return dataKey
}

async function tryToOpen(wraps: readonly Wrap[], secret: Secret): Promise<Uint8Array | undefined> {
  for (const wrap of wraps) {
    if (wrap.type !== secret.type) continue
    const key = await keyOf(wrap, secret)
    const dataKey = key === undefined ? undefined : await unwrapDataKey(encodeEnvelope([wrap]), wrap.type, key)
    if (dataKey !== undefined) return dataKey
  }
  return undefined
}

function keyOf({ params }: Wrap, secret: Secret): Promise<CryptoKey | undefined> | undefined {
  switch (secret.type) {
    case 'passphrase': return passphraseKey(secret.text, params)
    case 'recovery': return recoveryKey(secret.code, params)
    case 'passkey': {
      const known = decodePasskeyParams(params)
      return known === undefined ? undefined : passkeyKey(secret.output, known.salt)
    }
  }
}

function waysOf(wraps: readonly Wrap[]): LockWay[] {
  return wraps.flatMap((wrap): LockWay[] => {
    if (wrap.type === 'passphrase' || wrap.type === 'recovery') return [{ type: wrap.type }]
    const passkey = wrap.type === 'passkey' ? decodePasskeyParams(wrap.params) : undefined
    return passkey === undefined ? [] : [{ type: 'passkey', ...passkey }]
  })
}

const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

/** An open vault: has the data key, and changes the ways to it. */
export class Vault {
  readonly dataKey: Uint8Array
  private readonly keyring: LockKeyring
  private readonly now: () => number

  constructor(keyring: LockKeyring, dataKey: Uint8Array, now: () => number) {
    this.keyring = keyring
    this.dataKey = dataKey
    this.now = now
  }

  /** Ways besides this device's own key; none: it is not locked. */
  async ways(): Promise<readonly LockWay[]> { return waysOf(await this.wraps()) }

  /** How things stand for whoever has to prove again who they are. */
  async door(): Promise<Door> {
    const tries = await triesSoFar(this.keyring, this.now)
    return { ways: await this.ways(), failed: tries.failed, waitUntil: waitAfter(tries) }
  }

  /** Whether this would open it. A wrong one counts as a try. */
  async check(secret: Secret): Promise<boolean> { return await tryOnce(this.keyring, await this.wraps(), secret, this.now) !== undefined }

  lockAfter(): Promise<number> { return this.keyring.loadLockAfter() }
  setLockAfter(minutes: number): Promise<void> { return this.keyring.keepLockAfter(minutes) }

  private async wraps(): Promise<readonly Wrap[]> { return decodeEnvelope((await this.keyring.load()).envelope ?? new Uint8Array()) ?? [] }

  /**
   * Locks with a passphrase, or changes it, and answers with a new recovery code: the former one opens nothing any more. The device's own key opens it no longer.
   * undefined: the passphrase is too short or too long.
   */
  async setPassphrase(text: string): Promise<string | undefined> {
    if (text.length < MIN_PASSPHRASE_CHARS || text.length > MAX_PASSPHRASE_CHARS) return undefined
    const params = encodePassphraseParams(bytes(SALT_BYTES), await calibrate(this.now)), salt = bytes(SALT_BYTES), code = newRecoveryCode(bytes)
    const [key, codeKey] = [await passphraseKey(text, params), await recoveryKey(code, salt)]
    if (key === undefined || codeKey === undefined) return undefined
    const fresh = [await wrapDataKey(this.dataKey, 'passphrase', params, key), await wrapDataKey(this.dataKey, 'recovery', salt, codeKey)]
    const passkeys = (await this.wraps()).filter((wrap) => wrap.type === 'passkey')
    await this.keyring.keepEnvelope(encodeEnvelope([...fresh, ...passkeys]))
    return code
  }

  /** A passkey besides the passphrase; false where there is no passphrase yet: a lost passkey would be the end. */
  async addPasskey(credential: Uint8Array, salt: Uint8Array, output: Uint8Array): Promise<boolean> {
    const wraps = await this.wraps(), params = encodePasskeyParams(credential, salt)
    const key = salt.length === PASSKEY_SALT_BYTES && decodePasskeyParams(params) !== undefined ? await passkeyKey(output, salt) : undefined
    if (key === undefined || !wraps.some((wrap) => wrap.type === 'passphrase')) return false
    await this.keyring.keepEnvelope(encodeEnvelope([...wraps, await wrapDataKey(this.dataKey, 'passkey', params, key)]))
    return true
  }

  async removePasskeys(): Promise<void> { await this.keyring.keepEnvelope(encodeEnvelope((await this.wraps()).filter((wrap) => wrap.type !== 'passkey'))) }

  /** From now on this device opens it by itself again. */
  async removeLock(): Promise<void> {
    const { wrappingKey } = await this.keyring.load()
    if (wrappingKey === undefined) throw new DiskError('corrupt', 'The key of this device is gone.')
    await this.keyring.keepEnvelope(encodeEnvelope([await wrapDataKey(this.dataKey, this.keyring.type, new Uint8Array(), wrappingKey)]))
  }

  /** Forgets the key; the disk's sealer has its own until the disk is closed. */
  close(): void { this.dataKey.fill(0) }
}
