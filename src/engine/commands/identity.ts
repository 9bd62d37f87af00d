/**
 * The secret of which a person's identity is made (A34): shown as words where it is, and taken as words where it is not.
 *
 *   on a linked device            it can certify and end devices from now on
 *   on a device in no space       it becomes a device of that person, who is let in again by invites (A9): the way back when all devices are lost
 */
import type { ApiError } from '../../api.ts'
import { identityOfKey } from '../../wire/authority.ts'
import { decodePhrase, encodePhrase, strangeWord } from '../../wire/phrase.ts'
import type { MeRecord } from '../../wire/records.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { identityKeyOf, makeMe, restoreMe } from '../me.ts'
import type { Turn } from '../turn.ts'
import { type Asked, named, type Refusal, type Run } from './asked.ts'
import { saveMe } from '../twice.ts'

export const NEEDS_PHRASE: ApiError = fail('needs-phrase')

export function tellPhrase({ engine, turn, asker }: Asked): Refusal {
  const identity = engine.meRecord?.identity
  if (identity?.type !== 'held') return fail('needs-phrase', 'The recovery phrase is not on this device. It is shown on the device where you began.')
  turn.out.reply(asker, { phrase: encodePhrase(identity.secret, (b) => engine.world.suite.sha256(b)) })
  return undefined
}

export async function enterPhrase({ engine, turn, asker }: Asked, c: Run<'enter-phrase'>): Promise<Refusal> {
  const { world: { suite }, me } = engine
  const secret = decodePhrase(c.phrase, (b) => suite.sha256(b))
  if (secret === undefined) return notAPhrase(c.phrase)
  const identityKey = await identityKeyOf(suite, secret)
  const isOurs = me !== undefined && identityOfKey(identityKey.publicKey, (...parts) => suite.sha256(...parts)) === me.identity
  if (isOurs && engine.meRecord !== undefined) {
    await hold(engine, turn, { ...engine.meRecord, identity: { type: 'held', secret } })
    turn.out.reply(asker, { identity: me.identity, device: me.device })
    return undefined
  }
  if (engine.replicas.size > 0) return fail('phrase-invalid', 'This is the recovery phrase of somebody else than the person whom this device belongs to, or a word in it is wrong. Compare it with what you wrote down, word by word.')
  const name = me?.name ?? c.name ?? '', wrong = named(name)
  if (wrong !== undefined) return wrong
  const record = await makeMe(engine.world, name.trim(), secret), next = await restoreMe(suite, record)
  saveMe(turn, record)
  engine.setMe(next, record)
  engine.tally.begins(turn, record)
  engine.telling.me(turn)
  turn.out.reply(asker, { identity: next.identity, device: next.device })
  return undefined
}

/** The same device of the same person, with the secret. Every space holds the same Me, so it is changed in place. */
async function hold(engine: Engine, turn: Turn, record: MeRecord): Promise<void> {
  const { me, succession, world } = engine
  if (me === undefined || me.identityKey !== undefined) return
  me.identityKey = (await restoreMe(world.suite, record)).identityKey
  engine.setMe(me, record)
  saveMe(turn, record)
  engine.telling.me(turn)
  if (succession.isStuck) await succession.succeedByItself(turn)
  else await succession.endFormer(turn)
}

function notAPhrase(text: string): ApiError {
  const strange = strangeWord(text)
  return strange === undefined ? fail('phrase-invalid') : fail('phrase-invalid', `“${strange}” is not a word of any recovery phrase. Compare it with what you wrote down.`)
}
