/** Invites made here: links that let people in while everybody is away. */
import type { ApiError } from '../../api.ts'
import type { AuthorityBody, RoleId } from '../../wire/authority.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import type { InviteId } from '../../wire/ids.ts'
import { encodeLink, INVITE_SECRET_BYTES } from '../../wire/invite.ts'
import { fail } from '../errors.ts'
import { fullness, inviteKeys, layKit } from '../invites.ts'
import { refusal } from '../refusals.ts'
import * as limits from '../limits.ts'
import { inviteInfos } from '../views.ts'
import { type AskedIn, change, type Refusal, type Run } from './asked.ts'

export async function createInvite(asked: AskedIn, c: Run<'create-invite'>): Promise<Refusal> {
  const made = await makeInvite(asked, { role: c.role, uses: c.uses ?? limits.DEFAULT_INVITE_USES, expiresInMs: c.expiresInMs ?? limits.DEFAULT_INVITE_MS, base: c.base })
  if ('code' in made) return made
  asked.turn.out.reply(asked.asker, made)
  return undefined
}

export interface Terms { readonly role: RoleId | undefined; readonly uses: number; readonly expiresInMs: number; readonly base: string | undefined }
export interface Made { readonly invite: InviteId; readonly link: string; readonly expiresAt: number }

export async function makeInvite({ engine, turn, replica }: AskedIn, { role, uses, expiresInMs, base }: Terms): Promise<Made | ApiError> {
  if (uses < 1 || uses > limits.MAX_INVITE_USES || expiresInMs < 1 || expiresInMs > limits.MAX_INVITE_MS) return fail('bad-request')
  const live = inviteInfos(turn, replica, new Map()).filter((i) => i.state === 'live')
  if (live.length >= limits.MAX_LIVE_INVITES) return fail('limit-reached', 'This space has ten invites already. Take one back first.')
  const full = fullness(replica)
  if (full !== undefined) return full
  const secret = engine.world.random.bytes(INVITE_SECRET_BYTES)
  const keys = await inviteKeys(engine.world.suite, secret)
  const expiresAt = turn.now + expiresInMs, { relays } = replica.record
  const body: AuthorityBody = {
    type: 'invite', invite: keys.invite, joinPk: keys.join.publicKey, sealPk: keys.box.publicKey, topicSeed: keys.topicSeed, role, uses, expiresAt, relays,
  }
  const reason = replica.authority.refuse(replica.me.identity, body)
  if (reason !== undefined) return refusal(reason)
  const opensOn = base ?? relays[0] ?? engine.appBase
  turn.out.put(`invites/${replica.id}`, fromHex(keys.invite) as Uint8Array, concat(secret, new TextEncoder().encode(opensOn)))
  const op = await replica.append(turn, 'invite', encodeAuthorityBody(body))
  await engine.distribute(turn, replica, [op])
  await layKit(turn, replica, keys.invite)
  const link = encodeLink({ space: replica.id, secret, expiresAt, spaceName: replica.authority.state.name, inviterName: replica.me.name, relays }, opensOn, (b) => engine.world.suite.sha256(b))
  return { invite: keys.invite, link, expiresAt }
}

export function revokeInvite(asked: AskedIn, c: Run<'revoke-invite'>): Promise<Refusal> | Refusal {
  return asked.replica.authority.state.invites.has(c.invite) ? change(asked, { type: 'inviteRevoke', invite: c.invite }) : fail('unknown-invite')
}

/** With the links of those made on this device: only it knows their secrets. */
export function listInvites({ engine, turn, asker, replica }: AskedIn): undefined {
  engine.questions.ask(turn, `invites/${replica.id}`, { limit: 1000 }, (later, rows) => {
    const secrets = new Map(rows.map((row) => [toHex(row.key), { secret: row.value.slice(0, INVITE_SECRET_BYTES), base: new TextDecoder().decode(row.value.subarray(INVITE_SECRET_BYTES)) }]))
    later.out.reply(asker, { invites: inviteInfos(later, replica, secrets) })
  })
}
