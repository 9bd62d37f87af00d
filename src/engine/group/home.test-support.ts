/** A space with Alice as its owner and people who join by her link, for stories about groups. Imported by tests only. */
import { type Breakage, encodeGroupBody } from '../../wire/group.ts'
import type { ChannelId, EpochId, SpaceId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { keptOp } from '../content/kept.ts'
import { type Person, RELAY, Room } from '../engines.test-support.ts'
import { LABELS } from '../labels.ts'
import { opKey } from '../log/log.ts'
import { Out } from '../out.ts'
import { commitChange } from '../reconcile.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { commit, type MlsState } from './mls.ts'

export interface Home { readonly room: Room; readonly alice: Person; readonly space: SpaceId; readonly channel: ChannelId; readonly link: string }

export async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  return { room, alice, space, channel, link }
}

export async function joins(h: Home, name: string, link = h.link): Promise<Person> {
  const person = await h.room.person(name)
  await h.room.ask(person, { type: 'join', link })
  await h.room.pass(2000)
  return person
}

export async function texts(h: Home, person: Person): Promise<string[]> {
  const { messages } = await h.room.ask(person, { type: 'get-messages', space: h.space, channel: h.channel })
  return messages.map((m) => m.text)
}

export const say = (h: Home, person: Person, text: string) => h.room.ask(person, { type: 'send-message', space: h.space, channel: h.channel, text })

export const of = (h: Home, person: Person): Replica => person.space(h.space)
export const tipOf = (h: Home, person: Person): EpochId => of(h, person).groups.tip() as EpochId
/** Lets somebody make ops that stay on their own device. */
export async function alone(h: Home, person: Person, work: (turn: Turn, replica: Replica) => Promise<Op | undefined>): Promise<Op> {
  const turn: Turn = { now: h.room.now, out: new Out() }
  const op = await work(turn, of(h, person))
  if (op === undefined) throw new Error(`${person.name} could not`)
  await person.disk.save(turn.out.saves)
  return op
}

/** Fresh keys on an epoch of one's own choice. */
export const renews = (h: Home, person: Person, on: EpochId = tipOf(h, person)): Promise<Op> => alone(h, person, async (turn, replica) => {
  const state = replica.groups.states.get(on)
  return state === undefined ? undefined : commitChange(turn, replica.everyone, on, state, [], [])
})

/** A commit op that is well-formed and can't be processed; or of which only the back-link is wrong. */
export const breaks = (h: Home, mallory: Person, how: Exclude<Breakage, 'leaves'> | 'kit' | 'no kit' | 'link', tip = tipOf(h, mallory)): Promise<Op> => alone(h, mallory, async (turn, replica) => {
  const { groups, me, world } = replica
  const made = await commit(groups.mls, groups.states.get(tip) as MlsState, { add: [], remove: [], authenticatedData: groups.binding(me.device, tip) })
  if ('reason' in made) return undefined
  const mls = made.commit.slice()
  // The last bytes are the tag that members check with the epoch's key.
  if (how === 'mls') mls[mls.length - 1] = (mls.at(-1) as number) ^ 1
  const secret = await groups.secretOf(made.state, tip, mls), kitCheck = how === 'no kit' ? undefined : how === 'kit' ? new Uint8Array(32).fill(7) : groups.keys.kitCheck(secret, undefined)
  return replica.append(turn, 'commit', encodeGroupBody({
    type: 'commit', parent: tip, mls, external: false, welcome: undefined, groupInfo: made.groupInfo, treeHash: how === 'tree' ? new Uint8Array(32).fill(7) : world.suite.sha256(made.tree),
    check: how === 'check' ? new Uint8Array(32).fill(7) : groups.keys.check(secret), backLink: how === 'link' ? groups.keys.sealSecret(secret, LABELS.backLink, new Uint8Array(32).fill(7)) : undefined, relayKey: undefined, kitCheck,
  }))
})

/** Passes ops to somebody, as if a friend of the author's had carried them: they come with what they do next. */
export function pass(h: Home, ops: readonly Op[], to: Person): void {
  const { mail } = of(h, to)
  const bytes = mail.seal(tipOf(h, to), { type: 'ops', ops: ops.map((op) => op.bytes) })
  const topic = [...mail.topics.keys()][0]
  if (bytes === undefined || topic === undefined) throw new Error(`${to.name} can't be reached`)
  to.queue.push({ type: 'announced', relay: RELAY, topic, bytes })
}

/** Hands ops to people. */
export async function hand(h: Home, ops: readonly Op[], ...to: readonly Person[]): Promise<void> {
  for (const person of to) pass(h, ops, person)
  await h.room.pass(100)
}

/** What somebody said last in the channel. */
export async function lastSaid(h: Home, person: Person): Promise<Op> {
  const replica = of(h, person), { me } = replica
  const rows = await person.disk.range(opsPartition(h.space, h.channel), { from: opKey(me.device, 0), to: opKey(me.device, Number.MAX_SAFE_INTEGER), limit: 1, reverse: true })
  const op = rows[0] === undefined ? undefined : keptOp(replica, h.channel, rows[0])
  if (op === undefined) throw new Error(`${person.name} has said nothing`)
  return op
}
