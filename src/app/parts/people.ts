/** Whom one can write to: everybody of all spaces, once each, with the spaces where one meets them. A conversation begins in a space that all of its people are in. */
import type { MemberInfo, Profile, SpaceInfo } from '../../api.ts'
import type { IdentityId, SpaceId } from '../../wire/ids.ts'

export interface Known { readonly member: IdentityId; readonly name: string; readonly face: Profile; readonly online: boolean; readonly spaces: readonly Pick<SpaceInfo, 'space' | 'name'>[] }

export function knownPeople(spaces: readonly SpaceInfo[], membersIn: (space: SpaceId) => readonly MemberInfo[]): Known[] {
  const all = new Map<IdentityId, Known>()
  for (const { space, name, kind, state } of spaces) {
    if (kind !== 'space' || state !== 'member') continue
    for (const member of membersIn(space)) {
      if (member.me) continue
      const known = all.get(member.member)
      all.set(member.member, { member: member.member, name: known?.name ?? member.name, face: known?.face ?? faceOf(member), online: known?.online === true || member.online, spaces: [...known?.spaces ?? [], { space, name }] })
    }
  }
  return [...all.values()].sort((a, b) => a.name.localeCompare(b.name))
}

const faceOf = ({ about, emoji, colour }: MemberInfo): Profile => ({ about, emoji, colour })

/** Where all of them are; undefined: nowhere. */
export function meetingPlace(people: readonly Known[]): SpaceId | undefined {
  const [first, ...others] = people
  return first?.spaces.find(({ space }) => others.every((other) => other.spaces.some((s) => s.space === space)))?.space
}
