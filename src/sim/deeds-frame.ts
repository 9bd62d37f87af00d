/** What people change of a space's frame and of themselves: relays, what is kept, who could recover it; and nights, in which everybody is away. */
import { type Deed, inSomeChannel } from './deeds.ts'
import { NIGHT_MS, type People, type SpaceModel } from './people.ts'

export const FRAME_DEEDS: readonly (readonly [number, Deed])[] = [[2, setRelays], [1, clearChannel], [1, setRetention], [2, setProfile], [1, setRecovery], [1, recover], [1, sleep]]

const DAY_MS = 24 * 3600_000
const ABOUT = ['Grows leeks', 'Away until spring', '']

/** A relay that forgets while a space leaves it takes with it the word of where it went: one of the two happens in a world. */
function setRelays(p: People): void {
  const found = p.someMember()
  if (found === undefined || p.setting.office.hasForgotten) return
  const relays = p.relays.filter(() => p.chance.percent(60))
  if (relays.length === 0) return
  p.setting.office.isLeft = true
  p.ask(found.node, { type: 'set-relays', space: found.space.id, relays })
}

/** What was said by then may go, on each device in its own time. By a clock of next year that is whatever was said until a device heard of it. */
function clearChannel(p: People): void {
  const found = p.someMember()
  if (found === undefined) return
  inSomeChannel(p, found, ({ channel }) => {
    const { node, space } = found
    space.cleared.set(channel, node.skewMs < DAY_MS ? p.now + Math.max(0, node.skewMs) : Infinity)
    p.ask(node, { type: 'clear-channel', space: space.id, channel, before: p.now + node.skewMs })
  })
}

/** For longer than these people live, but by clocks that are wrong by a year. */
function setRetention(p: People): void {
  const found = p.someMember()
  if (found !== undefined) p.ask(found.node, { type: 'set-retention', space: found.space.id, afterMs: 800 * DAY_MS })
}

function setProfile(p: People): void {
  const node = p.pick(p.running)
  if (node !== undefined) p.ask(node, { type: 'set-profile', about: p.pick(ABOUT) ?? '', colour: p.chance.int(8) })
}

function setRecovery(p: People): void {
  const owner = ownerOfOne(p)
  if (owner === undefined) return
  p.ask(owner.node, { type: 'list-members', space: owner.space.id }, ({ members }) => {
    const named = members.filter(({ name, me }) => !me && p.isHonest(name)).slice(0, 3)
    if (named.length > 0) p.ask(owner.node, { type: 'set-recovery', space: owner.space.id, threshold: p.chance.between(1, named.length), members: named.map(({ member }) => member) })
  })
}

function ownerOfOne(p: People): { readonly node: NonNullable<ReturnType<People['ownerOf']>>; readonly space: SpaceModel } | undefined {
  const space = p.pick(p.spaces), node = space === undefined ? undefined : p.ownerOf(space)
  return space === undefined || node === undefined ? undefined : { node, space }
}

/** All who are there sign for one of them, who makes the space their own; with first devices, which have the secret. */
async function recover(p: People): Promise<void> {
  const found = p.someMember()
  if (found === undefined || !p.isHonest(found.node.name) || found.node.isSecond) return
  const { node, space } = found, heir = node.engine?.replicas.get(space.id)?.me.identity
  if (heir === undefined) return
  const signatures: string[] = []
  for (const one of p.running) if (!one.isSecond) p.ask(one, { type: 'sign-recovery', space: space.id, member: heir }, ({ signature }) => { signatures.push(signature) })
  await p.setting.world.settle()
  p.ask(node, { type: 'recover', space: space.id, member: heir, signatures })
}

/** Everybody is away: for a night, after which what was cleared is deleted, or for longer than keys and topics are used. */
async function sleep(p: People): Promise<void> {
  if (p.chance.percent(50)) await p.sleep(() => (p.chance.percent(50) ? NIGHT_MS : 8 * DAY_MS))
}
