/** What can be done with a member. The engine has said before which acts it would not refuse; what it would refuse isn't offered. */
import type { MemberInfo } from '../../api.ts'

export type MemberAction = 'message' | 'person' | 'roles' | 'time-out' | 'end-time-out' | 'share-history' | 'hand-over' | 'remove' | 'ban'

/** mayShare: the person may give others the past of the space. */
export function actionsOn(member: MemberInfo, now: number, mayShare = false): MemberAction[] {
  const may = (act: MemberInfo['mayActOn'][number]): boolean => member.mayActOn.includes(act)
  const out: MemberAction[] = member.me ? [] : ['message', 'person']
  if (may('give-role') || may('take-role')) out.push('roles')
  if (may('time-out-member')) out.push(member.timedOutUntil > now ? 'end-time-out' : 'time-out')
  // Who has the space has its past.
  if (mayShare && !member.me && member.role !== 'owner') out.push('share-history')
  if (may('transfer-ownership')) out.push('hand-over')
  if (may('remove-member')) out.push('remove')
  if (may('ban-member')) out.push('ban')
  return out
}
