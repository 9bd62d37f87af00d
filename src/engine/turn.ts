/** What every part of the engine is handed in one step: the time, the collector of effects, and the fixed surroundings. */
import type { Ciphersuite, Random, SigningKey } from '../ports.ts'
import type { DeviceId, IdentityId } from '../wire/ids.ts'
import type { Out } from './out.ts'

/** `saidADay`: how much of what one device says is taken in on a day (S31), where it isn't as much as usual. */
export interface World { readonly suite: Ciphersuite; readonly random: Random; readonly saidADay?: number | undefined }

/** This person on this device. */
export interface Me {
  readonly identity: IdentityId
  readonly identityPk: Uint8Array
  /** Only where the identity's secret is: it certifies and ends devices and signs recoveries. Comes with enter-phrase. */
  identityKey: SigningKey | undefined
  /** The same on all devices of this person and nowhere else: what seals that which is between them. */
  readonly ownKey: Uint8Array
  readonly device: DeviceId
  readonly deviceKey: SigningKey
  readonly boxKey: SigningKey
  readonly cert: Uint8Array
  readonly certHash: Uint8Array
  /** As others see it; changes with set-name. */
  name: string
}

export interface Turn { readonly now: number; readonly out: Out }
