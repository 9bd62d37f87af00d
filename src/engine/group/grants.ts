/**
 * Secrets asked for and given, between single devices: a device that lacks the secrets of epochs that are meant for it says so in the log, and
 * one that has them and finds the same seals them to it. What is given is believed only if it matches the commits (C6), so a wrong grant tells nothing; the
 * device asks again, and then another must answer.
 */
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import { HLC_STEP, type Op } from '../../wire/op.ts'
import { ASKED_ANEW_AFTER_MS, MAX_ASKED_AGAIN, MAX_GRANTS_OF_ONE, MAX_WANTS, MAX_WANTS_OF_ONE } from '../limits.ts'

/** `at`: by its device's clock (ms). */
export interface Want { readonly op: OpId; readonly device: DeviceId; readonly epochs: readonly EpochId[]; readonly at: number }
export interface Grant { readonly op: OpId; readonly by: DeviceId; readonly want: Want; readonly sealed: Uint8Array }
export interface Share { readonly op: OpId; readonly identity: IdentityId; readonly by: DeviceId }

/** The device of which there is most: where nothing fits any more, what it said first gives way, so that a flood costs who makes it. */
export function greediest(items: Iterable<{ readonly device: DeviceId }>): DeviceId | undefined {
  const counts = new Map<DeviceId, number>()
  let most: DeviceId | undefined
  for (const { device } of items) {
    const count = (counts.get(device) ?? 0) + 1
    counts.set(device, count)
    if (most === undefined || count > (counts.get(most) ?? 0)) most = device
  }
  return most
}

export class Grants {
  /** In the order in which their devices made them. */
  private readonly wants = new Map<OpId, Want>()
  private readonly givers = new Map<OpId, Set<DeviceId>>()
  private readonly shares = new Map<IdentityId, Share[]>()
  private received: Grant[] = []
  private readonly me: DeviceId

  constructor(me: DeviceId) { this.me = me }

  addWant(op: Op, epochs: readonly EpochId[]): void {
    const { device } = op.header
    const own = [...this.wants.values()].filter((w) => w.device === device)
    // A device's newest count, so that a flood of asking costs only who makes it.
    for (const old of own.slice(0, Math.max(0, own.length + 1 - MAX_WANTS_OF_ONE))) this.forget(old.op)
    const most = this.wants.size < MAX_WANTS ? undefined : greediest(this.wants.values()), oldest = [...this.wants.values()].find((w) => w.device === most)
    if (oldest !== undefined) this.forget(oldest.op)
    this.wants.set(op.id, { op: op.id, device, epochs, at: op.header.hlc / HLC_STEP })
  }

  addGrant(op: Op, wantId: OpId, sealed: Uint8Array): void {
    const want = this.wants.get(wantId)
    if (want === undefined) return
    const givers = this.givers.get(wantId) ?? new Set()
    if (givers.has(op.header.device) || givers.size >= MAX_GRANTS_OF_ONE) return
    givers.add(op.header.device)
    this.givers.set(wantId, givers)
    if (want.device === this.me) this.received.push({ op: op.id, by: op.header.device, want, sealed })
  }

  addShare(op: Op, identity: IdentityId): void {
    const by = op.header.device, others = (this.shares.get(identity) ?? []).filter((share) => share.by !== by)
    // A device's last one counts: it may do what the one before, made too early, did not.
    if (others.length < MAX_GRANTS_OF_ONE) this.shares.set(identity, [...others, { op: op.id, identity, by }])
  }

  sharesWith(identity: IdentityId): readonly Share[] { return this.shares.get(identity) ?? [] }

  private forget(op: OpId): void { this.wants.delete(op); this.givers.delete(op) }

  /** Grants for this device that were not looked into yet. */
  takeReceived(): Grant[] { return this.received.splice(0) }

  /** A grant counts once per giver and epoch: who gave the wrong thing once does not keep others from giving the right one. */
  isAnswered(want: Want): boolean {
    const before = new Set<DeviceId>()
    for (const other of this.wants.values()) {
      if (other.op === want.op) break
      if (other.device === want.device && other.epochs.some((epoch) => want.epochs.includes(epoch))) for (const giver of this.givers.get(other.op) ?? []) before.add(giver)
    }
    return [...this.givers.get(want.op) ?? []].some((giver) => !before.has(giver))
  }

  /**
   * Whether an answer by this device would be news: not where it has told the asking device all of that before, nor where no answer more is looked at. Else whoever asks twice
   * would be answered without end, and everybody keeps each answer for ever.
   */
  isNews(want: Want, epochs: readonly EpochId[]): boolean {
    if ((this.givers.get(want.op)?.size ?? 0) >= MAX_GRANTS_OF_ONE) return false
    const told = new Set<EpochId>()
    for (const other of this.wants.values()) if (other.device === want.device && this.givers.get(other.op)?.has(this.me) === true) for (const epoch of other.epochs) told.add(epoch)
    return epochs.some((epoch) => !told.has(epoch))
  }

  unanswered(): Want[] { return [...this.wants.values()].filter((want) => !this.isAnswered(want)) }

  /** Whether this device may ask for an epoch now: not while it waits for an answer, and after some wrong ones only once a day, so that many liars in a row delay the truth and don't end it. */
  mayAsk(epoch: EpochId, now: number): boolean {
    const own = [...this.wants.values()].filter((want) => want.device === this.me && want.epochs.includes(epoch))
    return own.every((want) => this.isAnswered(want)) && (own.length <= MAX_ASKED_AGAIN || own.every(({ at }) => now - at > ASKED_ANEW_AFTER_MS))
  }
}
