/** Making a space, joining one by a link, and reading what a link says. */
import type { ApiError } from '../../api.ts'
import { encodeAuthorityBody, type AuthorityBody } from '../../wire/authority.ts'
import { equal, fromHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId, type IdentityId, NO_SPACE, parseChannelId, type SpaceId } from '../../wire/ids.ts'
import { decodeLink, type InviteLink, LINK_PATH } from '../../wire/invite.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { createGroup } from '../group/mls.ts'
import { Joining } from '../joining.ts'
import { publishKeyPackage } from '../key-packages.ts'
import * as limits from '../limits.ts'
import type { Asker } from '../out.ts'
import { commitChange } from '../reconcile.ts'
import { Replica } from '../replica.ts'
import { signOp } from '../signing.ts'
import type { Me, Turn } from '../turn.ts'
import { type Asked, named, type Refusal, type Run } from './asked.ts'
import { appendChannel } from './channels.ts'

export async function createSpace({ engine, turn, asker }: Asked, c: Run<'create-space'>): Promise<Refusal> {
  const wrong = named(c.name)
  if (wrong !== undefined) return wrong
  if (engine.replicas.size >= limits.MAX_SPACES || (c.relays?.length ?? 0) > limits.MAX_RELAYS) return fail('limit-reached')
  const made = await foundSpace(engine, turn, { name: c.name.trim(), relays: (c.relays ?? []).map((url) => url.replace(/\/+$/, '')), dm: undefined })
  if ('code' in made) return made
  turn.out.reply(asker, { space: made.replica.id, channel: made.channel })
  return undefined
}

interface Founding { readonly name: string; readonly relays: readonly string[]; readonly dm: readonly IdentityId[] | undefined }

/** A space with this person in it, and its first channel. */
export async function foundSpace(engine: Engine, turn: Turn, { name, relays, dm }: Founding): Promise<{ readonly replica: Replica; readonly channel: ChannelId } | ApiError> {
  const { world, me } = engine
  if (me === undefined) return fail('not-set-up')
  const body: AuthorityBody = {
    type: 'genesis', name, dm, identityPk: me.identityPk, cert: me.cert, historyPolicy: 'all', nonce: world.random.bytes(16), displayName: me.name, relays,
  }
  const genesis = await signOp(world, me, {
    space: NO_SPACE, audience: 0, channel: AUTHORITY_CHANNEL, device: me.device, seq: 1, prev: undefined, chanSeq: 1, chanPrev: undefined, deps: [], type: 'genesis',
    hlc: turn.now * 1024, kid: undefined, epoch: undefined, bodyHash: new Uint8Array(),
  }, encodeAuthorityBody(body))
  const id = genesis.id as unknown as SpaceId
  const replica = new Replica(world, me, id, { state: 'open', relays, link: '', createdAt: turn.now })
  replica.save(turn, replica.record)
  await replica.found(turn, genesis)
  const self = { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }
  const state = await createGroup(replica.groups.mls, self, fromHex(id) as Uint8Array)
  const commit = await commitChange(turn, replica.everyone, id as unknown as EpochId, state, [], [])
  if (commit === undefined) return fail('internal')
  const channel = parseChannelId(world.random.bytes(16)) as ChannelId
  const general = await appendChannel(turn, replica, channel, dm === undefined ? 'general' : 'talk')
  engine.addReplica(turn, replica)
  await replica.settle(turn)
  await engine.distribute(turn, replica, [genesis, commit, ...general, await publishKeyPackage(turn, replica)])
  return { replica, channel }
}

const NOT_OURS = 'This is not an invite link of Thicket. Ask the person who invited you for one, and copy all of it.'

/** Somebody else's link, or one of ours that lost something on the way: the next step differs. */
const unreadable = (link: string): ApiError => fail('link-invalid', link.includes(LINK_PATH) ? undefined : NOT_OURS)

export function readLink({ engine, turn, asker }: Asked, c: Run<'read-link'>): Refusal {
  const link = decodeLink(c.link, (b) => engine.world.suite.sha256(b))
  if (link === undefined) return unreadable(c.link)
  if (link === 'newer') return fail('link-newer')
  turn.out.reply(asker, { type: 'invite', space: link.space, spaceName: link.spaceName, inviterName: link.inviterName, relays: link.relays, expiresAt: link.expiresAt })
  return undefined
}

export async function joinSpace({ engine, turn, asker }: Asked, c: Run<'join'>): Promise<Refusal> {
  const link = decodeLink(c.link, (b) => engine.world.suite.sha256(b))
  if (link === undefined || engine.me === undefined) return unreadable(c.link)
  if (link === 'newer') return fail('link-newer')
  const known = engine.replicas.get(link.space)
  if (known?.state() === 'member') return fail('already-member')
  if (link.expiresAt <= turn.now) return fail('link-expired')
  const waiting = engine.joins.of(link.space)
  // Who tries another link has heard, or guesses, that the first one leads nowhere.
  if (waiting !== undefined && !equal(waiting.link.secret, link.secret)) engine.joins.giveUp(turn, waiting)
  else if (waiting !== undefined) {
    if (waiting.asker !== undefined) turn.out.refuse(waiting.asker, fail('busy'))
    waiting.asker = asker
    waiting.watch(turn)
    engine.joins.watch(turn, waiting)
    return undefined
  }
  return startJoining(engine, turn, engine.me, c.link, link, asker)
}

/** `asker` is told how it ends; without one it goes on in the background. */
export async function startJoining(engine: Engine, turn: Turn, me: Me, text: string, link: InviteLink, asker: Asker | undefined): Promise<Refusal> {
  if (engine.replicas.size >= limits.MAX_SPACES) return fail('limit-reached')
  const known = engine.replicas.get(link.space)
  const record = { state: 'joining' as const, relays: link.relays, link: text, createdAt: turn.now }
  const replica = known ?? new Replica(engine.world, me, link.space, record)
  replica.save(turn, { ...record, createdAt: known?.record.createdAt ?? turn.now })
  if (known === undefined) engine.addReplica(turn, replica)
  engine.useRelays(turn)
  engine.joins.watch(turn, await Joining.begin(turn, replica, link, asker))
  return undefined
}
