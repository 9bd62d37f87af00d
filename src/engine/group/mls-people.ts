/** People for MLS tests: each is one device of one identity, made from a seed. Imported by tests only. */
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Ciphersuite, Random } from '../../ports.ts'
import { equal, toHex } from '../../wire/bytes.ts'
import { exportSecret, type Made, type MlsContext, type MlsSelf, type MlsState, type Refused } from './mls.ts'

export const GROUP = new Uint8Array(32).fill(9)
export const NOTHING = { add: [], remove: [], authenticatedData: new Uint8Array() }
export const YEAR = { notBefore: 0, notAfter: 31_536_000 }

export interface People { readonly suite: Ciphersuite; readonly ctx: MlsContext; readonly random: Random; person(): Promise<MlsSelf> }

export async function people(seed: number | string, engine?: 'webcrypto' | 'noble'): Promise<People> {
  const random = seededRandom(seed)
  const suite = await createSuite(random, engine)
  return {
    suite, random,
    ctx: { suite, validate: (credential, key) => equal(credential.device, key) },
    async person() {
      const device = await suite.signingKey(random.bytes(32))
      return { identity: random.bytes(32), device, certHash: suite.sha256(device.publicKey) }
    },
  }
}

/** The value, where a refusal fails the test with its reason. */
export function must<T>(result: T | Refused): T {
  if (typeof result === 'object' && result !== null && 'reason' in result) throw new Error(`refused: ${String(result.reason)}`)
  return result as T
}

export const welcomeOf = (made: Made): Uint8Array => {
  if (made.welcome === undefined) throw new Error('nobody was added')
  return made.welcome
}

export const secretOf = async (ctx: MlsContext, state: MlsState): Promise<string> => toHex(await exportSecret(ctx, state, 'tk1 test', new Uint8Array([7]), 32))

/** A whole number from 0 to below `below`, by chance. */
export function pick(random: Random, below: number): number {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return (a * 65536 + b * 256 + c) % below
}
