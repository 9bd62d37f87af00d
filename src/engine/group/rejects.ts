/**
 * Commits that look right to everyone and can't be processed by those who hold the state: a path that doesn't fit its tree, a commitment that is not the
 * epoch's. Who can't check that believes those who can: one identity of strictly higher power than the author's, or two and a third of those with a leaf.
 */
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { Membership } from './validity.ts'

export const MIN_REJECTING = 2
export const REJECTING_SHARE = 3

interface Rejection { readonly op: OpId; readonly device: DeviceId }

export class Rejects {
  private readonly byEpoch = new Map<EpochId, Rejection[]>()
  private readonly members: Membership

  constructor(members: Membership) { this.members = members }

  /** One per device counts; the others are not even kept. */
  add(op: OpId, device: DeviceId, epoch: EpochId): void {
    const list = this.byEpoch.get(epoch) ?? []
    if (list.some((r) => r.device === device)) return
    list.push({ op, device })
    this.byEpoch.set(epoch, list)
  }

  isRejectedBy(epoch: EpochId, identity: IdentityId): boolean {
    return (this.byEpoch.get(epoch) ?? []).some((r) => this.members.identityOf(r.device) === identity)
  }

  /** Whether enough of those with a leaf in the parent say that the commit can't be processed. */
  isRejected(epoch: EpochId, electorsOf: () => ReadonlySet<IdentityId>): boolean {
    const list = this.byEpoch.get(epoch)
    if (list === undefined) return false
    const electors = electorsOf()
    const power = this.members.powerBehind(epoch)
    const identities = new Set<IdentityId>()
    for (const { op, device } of list) {
      const identity = this.members.identityOf(device)
      if (identity === undefined || !electors.has(identity) || this.members.isVoid(op)) continue
      if (this.members.powerBehind(op) > power) return true
      identities.add(identity)
    }
    return identities.size >= Math.max(MIN_REJECTING, Math.ceil(electors.size / REJECTING_SHARE))
  }
}
