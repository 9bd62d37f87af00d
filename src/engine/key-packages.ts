/**
 * Key packages: the public keys by which others add this device to a group while it is away, in its own chain. One stands at a time and is good for any
 * number of welcomes (RFC 9420, section 16.8: a last resort), since nobody could hand out single ones; so it is followed by a fresh one as soon as it was used.
 */
import { encodeAuthorityBody } from '../wire/authority.ts'
import { concat, equal, fromHex, toHex } from '../wire/bytes.ts'
import type { DeviceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Audience } from './audience.ts'
import { createKeyPackage, decodeKeyPackage, type Lifetime, type OwnKeyPackage, packageEnd } from './group/mls.ts'
import { KEPT_PACKAGES, KEY_PACKAGE_AFTER_MS, KEY_PACKAGE_EARLY_S, KEY_PACKAGE_LIFETIME_S } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Lays out a fresh package and forgets the secrets of old ones. */
export async function publishKeyPackage(turn: Turn, replica: Replica): Promise<Op> {
  const { me, groups, world } = replica
  const self = { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }
  const seconds = Math.floor(turn.now / 1000)
  const made = await createKeyPackage(groups.mls, self, { notBefore: Math.max(0, seconds - KEY_PACKAGE_EARLY_S), notAfter: seconds + KEY_PACKAGE_LIFETIME_S })
  const hash = world.suite.sha256(made.public)
  const old = [...groups.packages].sort(([, a], [, b]) => (packageEnd(b.public) ?? 0) - (packageEnd(a.public) ?? 0)).slice(KEPT_PACKAGES - 1)
  for (const [key] of old) {
    groups.packages.delete(key)
    turn.out.delete(`packages/${replica.id}`, fromHex(key) as Uint8Array)
  }
  groups.packages.set(toHex(hash), made)
  for (const audience of replica.audiences.values()) audience.groups.usedPackages.clear()
  turn.out.put(`packages/${replica.id}`, hash, joinPackage(made))
  return replica.append(turn, 'keyPackage', encodeAuthorityBody({ type: 'keyPackage', bytes: made.public, lastResort: true }))
}

/** The packages are the device's, not an audience's: everyone's group sees to them. */
export const isPackageOld = ({ number, replica }: Audience, now: number): boolean =>
  number === 0 && (Math.abs(now - replica.packagedAt) > KEY_PACKAGE_AFTER_MS || [...replica.audiences.values()].some(({ groups }) => groups.usedPackages.size > 0))

/** Key packages that really are their device's, and good now (ms): one bad package must not keep the others out of the group, or the removed in it. */
export async function usablePackages({ groups, replica }: Audience, devices: readonly DeviceId[], now: number): Promise<Uint8Array[]> {
  const out: Uint8Array[] = []
  for (const device of devices) {
    const bytes = replica.authority.state.keyPackages.get(device)
    const known = replica.authority.state.devices.get(device)
    const seen = bytes === undefined ? undefined : await decodeKeyPackage(groups.mls, bytes)
    const fits = seen !== undefined && known !== undefined && toHex(seen.signatureKey) === device && equal(seen.credential.certHash, known.certHash)
    if (fits && bytes !== undefined && isGoodAt(seen.lifetime, now / 1000)) out.push(bytes); else groups.unusable.add(device)
  }
  return out
}

/** Also not for longer than packages are made for: keys that somebody stole once must not add a device for ever. Here our own clock decides, since others may add it as well. */
const isGoodAt = ({ notBefore, notAfter }: Lifetime, seconds: number): boolean =>
  notBefore <= seconds && seconds <= notAfter && notAfter - notBefore <= KEY_PACKAGE_LIFETIME_S + KEY_PACKAGE_EARLY_S

// ---- rows ----

export function splitPackage(value: Uint8Array): OwnKeyPackage {
  const length = new DataView(value.buffer, value.byteOffset).getUint32(0)
  return { public: value.slice(4, 4 + length), secret: value.slice(4 + length) }
}

function joinPackage(pkg: OwnKeyPackage): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, pkg.public.length)
  return concat(length, pkg.public, pkg.secret)
}
