/** The devices of this person, from all their spaces: each space lists those that are known there. */
import type { SpaceInfo } from '../api.ts'
import type { DeviceInfo } from '../api/authority.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'

export interface MyDevice { readonly device: DeviceId; readonly name: string; readonly here: boolean; readonly online: boolean; readonly addedAt: number; readonly spaces: readonly SpaceId[] }

/** This one first, then those that were added last. */
export function mineOf(lists: readonly { readonly space: SpaceId; readonly devices: readonly DeviceInfo[] }[]): MyDevice[] {
  const all = new Map<DeviceId, MyDevice>()
  for (const { space, devices } of lists) {
    for (const one of devices.filter((d) => d.mine)) {
      const known = all.get(one.device)
      all.set(one.device, {
        device: one.device, name: one.name, here: one.here, online: known?.online === true || one.online, addedAt: Math.min(known?.addedAt ?? Infinity, one.addedAt), spaces: [...known?.spaces ?? [], space],
      })
    }
  }
  return [...all.values()].sort((a, b) => Number(b.here) - Number(a.here) || b.addedAt - a.addedAt)
}

export async function fetchMine(client: Client): Promise<MyDevice[]> {
  const spaces = (client.spaces ?? []).filter((s) => s.state === 'member')
  const lists = await Promise.all(spaces.map(async ({ space }) => {
    const answer = await client.ask({ type: 'list-devices', space })
    return { space, devices: answer.ok ? answer.result.devices : [] }
  }))
  return mineOf(lists)
}

/** In every space; answers with those where it did not work. */
export async function signOut(client: Client, { device, spaces }: MyDevice): Promise<readonly SpaceInfo[]> {
  const failed: SpaceId[] = []
  for (const space of spaces) if ((await client.attempt({ type: 'revoke-device', space, device })) !== undefined) failed.push(space)
  return (client.spaces ?? []).filter((s) => failed.includes(s.space))
}
