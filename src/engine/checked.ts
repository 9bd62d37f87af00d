/**
 * With whom this person has compared digits (V3). What is noted is a hash of the very digits: whatever makes them others, be it another identity of one's own on this device or
 * another way of making them, undoes the note. Somebody else who takes the name of a person who was checked is told apart.
 */
import type { CheckState } from '../api.ts'
import { equal, utf8 } from '../wire/bytes.ts'
import type { IdentityId } from '../wire/ids.ts'
import { personCode } from './check-codes.ts'
import type { Engine } from './engine.ts'
import { LABELS } from './labels.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Checked {
  private readonly engine: Engine
  /** By this identity and the other. Made of thousands of hashes. */
  private readonly hashes = new Map<string, Uint8Array>()

  constructor(engine: Engine) { this.engine = engine }

  mark(turn: Turn, member: IdentityId, on: boolean): Promise<boolean> {
    return this.engine.ownNotes.note(turn, 'check', member, on ? this.hashOf(member) : new Uint8Array())
  }

  /** Of the members of a space, whose name is given as it is there now. */
  among(replica: Replica): (member: IdentityId, name: string) => CheckState {
    const states = new Map<string, 'checked' | 'changed'>(), names = new Set<string>()
    for (const { id, value } of this.engine.ownNotes.of('check')) {
      const isSo = equal(this.hashOf(id as IdentityId), value)
      states.set(id, isSo ? 'checked' : 'changed')
      if (isSo) for (const { authority } of this.engine.replicas.values()) names.add(folded(authority.nameOf(id as IdentityId)))
    }
    names.delete('')
    return (member, name) => states.get(member) ?? (member !== replica.me.identity && names.has(folded(name)) ? 'namesake' : 'none')
  }

  private hashOf(member: IdentityId): Uint8Array {
    const { world: { suite }, me } = this.engine, own = me?.identity as IdentityId, key = `${own} ${member}`
    const known = this.hashes.get(key) ?? suite.sha256(LABELS.checked, utf8(personCode(suite, own, member)))
    this.hashes.set(key, known)
    return known
  }
}

/** Names that look alike to a hasty reader. */
const folded = (name: string): string => name.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim()
