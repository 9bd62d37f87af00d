/** Invites made here: links that let people in while everybody is away. */
import type { AuthorityBody } from '../../wire/authority.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import { encodeLink, INVITE_SECRET_BYTES } from '../../wire/invite.ts'
import { fail } from '../errors.ts'
import { inviteKeys, layKit } from '../invites.ts'
import { refusal } from '../refusals.ts'
import * as limits from '../limits.ts'
import { inviteInfos } from '../views.ts'
import { type AskedIn, change, type Refusal, type Run } from './asked.ts'

export async function createInvite({ engine, turn, asker, replica }: AskedIn, c: Run<'create-invite'>): Promise<Refusal> {
  const uses = c.uses ?? limits.DEFAULT_INVITE_USES, expiresInMs = c.expiresInMs ?? limits.DEFAULT_INVITE_MS
  if (uses < 1 || uses > limits.MAX_INVITE_USES || expiresInMs < 1 || expiresInMs > limits.MAX_INVITE_MS) return fail('bad-request')
  const live = inviteInfos(turn, replica, new Map()).filter((i) => i.state === 'live')
  if (live.length >= limits.MAX_LIVE_INVITES) return fail('limit-reached', 'This space has ten invites already. Take one back first.')
  const secret = engine.world.random.bytes(INVITE_SECRET_BYTES)
  const keys = await inviteKeys(engine.world.suite, secret)
  const expiresAt = turn.now + expiresInMs
  const body: AuthorityBody = {
    type: 'invite', invite: keys.invite, joinPk: keys.join.publicKey, sealPk: keys.box.publicKey, topicSeed: keys.topicSeed, role: c.role, uses, expiresAt, relays: replica.record.relays,
  }
  const reason = replica.authority.refuse(replica.me.identity, body)
  if (reason !== undefined) return refusal(reason)
  const base = c.base ?? replica.record.relays[0] ?? engine.appBase
  turn.out.put(`invites/${replica.id}`, fromHex(keys.invite) as Uint8Array, concat(secret, new TextEncoder().encode(base)))
  const op = await replica.append(turn, 'invite', encodeAuthorityBody(body))
  await engine.distribute(turn, replica, [op])
  await layKit(turn, replica, keys.invite)
  const link = encodeLink({ space: replica.id, secret, expiresAt, spaceName: replica.authority.state.name, inviterName: replica.me.name, relays: replica.record.relays }, base, (b) => engine.world.suite.sha256(b))
  turn.out.reply(asker, { invite: keys.invite, link, expiresAt })
  return undefined
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
