/** Second devices: somebody links one, and ends it when it is lost. Only honest people do: a liar's second device would be one more liar. */
import type { Deed } from './deeds.ts'
import type { People } from './people.ts'

export const DEVICE_DEEDS: readonly (readonly [number, Deed])[] = [[2, linkDevice], [1, endDevice]]

/** Whose link somebody has begun: another request in between would make its answer worthless. */
const begun = new WeakSet<object>()

function linkDevice(p: People): void {
  const spare = p.pick(p.nodes.filter((node) => node.isSpare && node.isRunning && !begun.has(node)))
  const by = p.pick(p.running.filter(({ name, isSecond }) => p.isHonest(name) && !isSecond))
  if (spare === undefined || by === undefined) return
  begun.add(spare)
  p.ask(spare, { type: 'ask-to-link' }, ({ request }) => p.ask(by, { type: 'link-device', request }, ({ answer }) => {
    spare.belongsTo(by)
    p.ask(spare, { type: 'finish-link', answer }, () => {
      spare.isSpare = false
      for (const space of p.spaces) if (!space.isConversation && space.joined.has(by)) space.joined.add(spare)
    })
  }))
}

/** What it said that the other had not seen counts no more. */
function endDevice(p: People): void {
  const lost = p.pick(p.nodes.filter(({ isSecond, isSpare }) => isSecond && !isSpare)), device = lost?.engine?.me?.device
  const by = p.running.find(({ name }) => name === lost?.person)
  if (lost === undefined || device === undefined || by === undefined) return
  for (const space of p.spaces) {
    if (!space.joined.delete(lost)) continue
    space.restricted.add(lost.person)
    p.ask(by, { type: 'list-devices', space: space.id }, ({ devices }) => {
      if (devices.some((known) => known.device === device)) p.ask(by, { type: 'revoke-device', space: space.id, device })
    })
  }
}
