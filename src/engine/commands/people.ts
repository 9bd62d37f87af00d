/** Oneself: on this device, and in a space. */
import { makeMe, restoreMe } from '../me.ts'
import { COLOURS, MAX_ABOUT } from '../../wire/authority.ts'
import { isEmoji } from '../../wire/content.ts'
import { fail } from '../errors.ts'
import { type Asked, type AskedIn, change, named, type Refusal, type Run } from './asked.ts'
import { saveMe } from '../twice.ts'

export async function setUp({ engine, turn, asker }: Asked, c: Run<'set-up'>): Promise<Refusal> {
  if (engine.me !== undefined) return fail('already-set-up')
  if (engine.tally.isEmptied && c.anew !== true) return fail('emptied')
  const wrong = named(c.name)
  if (wrong !== undefined) return wrong
  const record = await makeMe(engine.world, c.name.trim())
  saveMe(turn, record)
  const me = await restoreMe(engine.world.suite, record)
  engine.setMe(me, record)
  engine.tally.begins(turn, record)
  turn.out.reply(asker, { identity: me.identity, device: me.device })
  engine.telling.me(turn)
  return undefined
}

export async function setName({ engine, turn, asker }: Asked, c: Run<'set-name'>): Promise<Refusal> {
  const wrong = named(c.name)
  if (wrong !== undefined) return wrong
  await engine.rename(turn, c.name.trim())
  turn.out.reply(asker, {})
  return undefined
}

export async function setProfile({ engine, turn, asker }: Asked, c: Run<'set-profile'>): Promise<Refusal> {
  const about = c.about?.trim()
  if (about !== undefined && about.length > MAX_ABOUT) return fail('text-too-long', `This is too long. Use ${MAX_ABOUT} characters or fewer.`)
  if (about !== undefined && /\p{Cc}/u.test(about)) return fail('bad-request', 'Write it in one line.')
  if (c.emoji !== undefined && c.emoji !== '' && !isEmoji(c.emoji)) return fail('bad-request', 'Choose one emoji.')
  if (c.colour !== undefined && c.colour > COLOURS) return fail('bad-request')
  await engine.profiles.change(turn, { ...(about !== undefined && { about }), ...(c.emoji !== undefined && { emoji: c.emoji }), ...(c.colour !== undefined && { colour: c.colour }) })
  turn.out.reply(asker, {})
  return undefined
}

export async function leave(asked: AskedIn): Promise<Refusal> {
  const refusal = await change(asked, { type: 'leave' })
  if (refusal !== undefined) return refusal
  putAway(asked)
  return undefined
}

/** Who is out already has nothing to say to the others: the space goes from this device's list. */
export function leaveRemoved(asked: AskedIn): undefined {
  putAway(asked)
  asked.turn.out.reply(asked.asker, {})
}

function putAway({ engine, turn, replica }: AskedIn): void {
  replica.save(turn, { ...replica.record, state: 'left' })
  replica.mail.stop(turn)
  engine.useRelays(turn)
}
