/**
 * What this person notes for their own devices alone: with whom digits were compared, what their devices are called. Registers, on disk as rows of this device; a change goes
 * to the others through every space that is needed to reach them, sealed like read marks, and a device that was linked later is told all of it once it has the keys of a space.
 */
import type { Row } from '../ports.ts'
import { concat, fromHex } from '../wire/bytes.ts'
import { type DeviceId, type EpochId, parseDeviceId } from '../wire/ids.ts'
import { decodeOwnNote, encodeOwnNote, encodeOwnNotes, laterOf, MAX_OWN_NOTES, type OwnKind, type OwnNote, ownNoteKey } from '../wire/own-notes.ts'
import type { Engine } from './engine.ts'
import { MAX_OWN_NOTES_KEPT } from './limits.ts'
import { postToOwn } from './messages/own-marks.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export const OWN_PARTITION = 'own'
/** Rows of devices that were told all there was: this byte, then the device. */
const TOLD = 0

export class OwnNotes {
  private readonly engine: Engine
  private readonly notes = new Map<string, OwnNote>()
  private readonly told = new Set<DeviceId>()
  private readonly seen = new WeakMap<Replica, { readonly tip: EpochId | undefined; readonly devices: readonly DeviceId[] }>()

  constructor(engine: Engine) { this.engine = engine }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      const device = key[0] === TOLD ? parseDeviceId(key.subarray(1)) : undefined, note = decodeOwnNote(key, value)
      if (device !== undefined) this.told.add(device)
      if (note !== undefined) this.notes.set(keyOf(note), note)
    }
  }

  /** What was noted; undefined where nothing is, or not any more. */
  value(kind: OwnKind, id: string): Uint8Array | undefined {
    const note = this.notes.get(keyOf({ kind, id }))
    return note === undefined || note.value.length === 0 ? undefined : note.value
  }

  * of(kind: OwnKind): Iterable<OwnNote> { for (const note of this.notes.values()) if (note.kind === kind && note.value.length > 0) yield note }

  /** False where as much is noted as there may be. */
  async note(turn: Turn, kind: OwnKind, id: string, value: Uint8Array): Promise<boolean> {
    const before = this.notes.get(keyOf({ kind, id }))
    if (before === undefined && this.notes.size >= MAX_OWN_NOTES_KEPT) return false
    const note: OwnNote = { kind, id, value, at: Math.max(turn.now, (before?.at ?? 0) + 1) }
    this.keep(turn, note)
    const reached = new Set<DeviceId>()
    for (const replica of this.engine.replicas.values()) {
      const others = this.others(replica).filter((device) => !reached.has(device))
      if (others.length === 0) continue
      for (const device of others) reached.add(device)
      await postToOwn(turn, replica, encodeOwnNotes([note]))
    }
    return true
  }

  /** From another device of this person. */
  take(turn: Turn, notes: readonly OwnNote[]): void {
    for (const note of notes) {
      const before = this.notes.get(keyOf(note))
      if (before === undefined ? this.notes.size < MAX_OWN_NOTES_KEPT : laterOf(before, note) === note) this.keep(turn, note)
    }
  }

  private keep(turn: Turn, note: OwnNote): void {
    this.notes.set(keyOf(note), note)
    turn.out.put(OWN_PARTITION, ownNoteKey(note), encodeOwnNote(note))
    this.engine.telling.ownNotes(turn)
  }

  /** After each step in a space: whether a device of this person has its keys that was told nothing yet. */
  async look(turn: Turn, replica: Replica): Promise<void> {
    const fresh = this.others(replica).filter((device) => !this.told.has(device))
    if (fresh.length === 0) return
    for (const device of fresh) {
      this.told.add(device)
      turn.out.put(OWN_PARTITION, concat(Uint8Array.of(TOLD), fromHex(device) as Uint8Array), new Uint8Array())
    }
    const all = [...this.notes.values()]
    for (let at = 0; at < all.length; at += MAX_OWN_NOTES) await postToOwn(turn, replica, encodeOwnNotes(all.slice(at, at + MAX_OWN_NOTES)))
  }

  /** Other devices of this person that can open what is posted in the space now. Looked up again when the group changes. */
  private others(replica: Replica): readonly DeviceId[] {
    const { groups, authority, me } = replica, tip = groups.tip(), known = this.seen.get(replica)
    if (known !== undefined && known.tip === tip) return known.devices
    const leaves = (tip === undefined ? undefined : groups.tree.nodes.get(tip)?.leaves) ?? []
    const devices = leaves.filter((device) => device !== undefined && device !== me.device && authority.identityOf(device) === me.identity) as DeviceId[]
    this.seen.set(replica, { tip, devices })
    return devices
  }
}

const keyOf = ({ kind, id }: Pick<OwnNote, 'kind' | 'id'>): string => `${kind} ${id}`
