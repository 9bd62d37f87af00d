/**
 * What was read on one device of a person is read on the others. The furthest mark counts, so order and repetition don't matter; a note that is lost is made
 * good by the next one about that channel. Other members see that somebody has read something, not who or what.
 */
import { concat, fromHex } from '../../wire/bytes.ts'
import { pad, unpad } from '../../wire/content.ts'
import { decodeMarks, encodeMarks, MAX_MARKS, type ReadUpTo } from '../../wire/marks.ts'
import { decodeOwnNotes } from '../../wire/own-notes.ts'
import { postUnder } from '../distribute.ts'
import type { Engine } from '../engine.ts'
import { LABELS } from '../labels.ts'
import { MARKS_AFTER_MS } from '../limits.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { recount } from './unread.ts'

const NONCE_BYTES = 24
const NO_AAD = new Uint8Array()

const keyFor = ({ world, me, id }: Replica): Uint8Array => world.suite.expand(me.ownKey, 32, LABELS.marks, fromHex(id) as Uint8Array)

const hasOthers = ({ authority, me }: Replica): boolean => [...authority.state.devices].some(([device, { identity }]) => identity === me.identity && device !== me.device)

/** Something was read here. Told a little later: who reads on, marks on. */
export function planMarks(engine: Engine, turn: Turn, replica: Replica): void {
  if (engine.reading.takeNews(replica.id) && hasOthers(replica)) turn.out.wake(`marks|${replica.id}`, turn.now + MARKS_AFTER_MS)
}

export async function shareMarks(engine: Engine, turn: Turn, replica: Replica): Promise<void> {
  if (!replica.isMember() || !hasOthers(replica)) return
  const take = (): ReadUpTo[] => engine.reading.takeMoved(replica.id, MAX_MARKS)
  for (let marks = take(); marks.length > 0; marks = take()) await postToOwn(turn, replica, encodeMarks(marks))
}

/** Posts what only this person's devices can read. */
export async function postToOwn(turn: Turn, replica: Replica, bytes: Uint8Array): Promise<void> {
  if (!replica.isMember()) return
  const { suite, random } = replica.world, nonce = random.bytes(NONCE_BYTES)
  const sealed = concat(nonce, suite.seal(keyFor(replica), nonce, NO_AAD, pad(bytes)))
  await postUnder(turn, replica.everyone, replica.groups.tip(), { type: 'marks', sealed }, undefined, false)
}

/** Somebody's marks, or notes (own-notes.ts): ours when they open. */
export function takeMarks(engine: Engine, turn: Turn, replica: Replica, sealed: Uint8Array): void {
  const padded = replica.world.suite.open(keyFor(replica), sealed.subarray(0, NONCE_BYTES), NO_AAD, sealed.subarray(NONCE_BYTES))
  const plain = padded === undefined ? undefined : unpad(padded)
  if (plain === undefined) return
  engine.ownNotes.take(turn, decodeOwnNotes(plain) ?? [])
  for (const { channel, thread, hlc } of decodeMarks(plain) ?? []) {
    const spot = { space: replica.id, channel, thread }
    if (!engine.reading.markElsewhere(turn, spot, hlc)) continue
    recount(engine, turn, replica, spot, () => { if (thread !== undefined) replica.inbox.change(thread) })
  }
}
