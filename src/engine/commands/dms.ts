/** Direct conversations: spaces of their own for a few people who share another one. */
import type { IdentityId } from '../../wire/ids.ts'
import { MAX_DM_MEMBERS } from '../../wire/authority.ts'
import { contact, DM_NAME } from '../contacts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import type { Replica } from '../replica.ts'
import type { Engine } from '../engine.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { makeInvite } from './invites.ts'
import { foundSpace } from './spaces.ts'

export async function openDm({ engine, turn, asker, replica }: AskedIn, c: Run<'open-dm'>): Promise<Refusal> {
  const { me, authority } = replica
  const others = c.members.filter((member) => member !== me.identity)
  if (others.length === 0) return fail('bad-request', 'Choose at least one other person to talk to.')
  if (others.some((member) => !authority.state.members.has(member))) return fail('unknown-member')
  if (others.length >= MAX_DM_MEMBERS || engine.replicas.size >= limits.MAX_SPACES) return fail('limit-reached')
  const people = [...others, me.identity].sort()
  const known = conversationOf(engine, people)
  if (known !== undefined) {
    turn.out.reply(asker, { space: known.id, channel: firstChannel(known) })
    return undefined
  }
  const made = await foundSpace(engine, turn, { name: DM_NAME, relays: replica.record.relays, dm: people })
  if ('code' in made) return made
  // Nobody else can come in by it, and whoever is meant may come with every device.
  const invite = await makeInvite({ engine, turn, asker, replica: made.replica }, { role: undefined, uses: limits.MAX_INVITE_USES, expiresInMs: limits.CONTACT_LASTS_MS, base: '' })
  if ('code' in invite) return invite
  await contact(engine, turn, replica, others, invite.link)
  turn.out.reply(asker, { space: made.replica.id, channel: made.channel })
  return undefined
}

/** Two who open one at the same time have two: both go on with the one of the smaller id. */
function conversationOf(engine: Engine, people: readonly IdentityId[]): Replica | undefined {
  const all = [...engine.replicas.values()].filter((other) => other.record.state === 'open' && other.isMember() && other.authority.state.dm?.join() === people.join())
  return all.sort((a, b) => (a.id < b.id ? -1 : 1))[0]
}

const firstChannel = (replica: Replica): string | undefined => [...replica.authority.state.channels].sort(([, a], [, b]) => (a.place < b.place ? -1 : 1))[0]?.[0]
