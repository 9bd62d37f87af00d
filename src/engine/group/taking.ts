/** What an op about a group is to that group. */
import { decodeGroupBody } from '../../wire/group.ts'
import type { Op } from '../../wire/op.ts'
import type { Groups } from './groups.ts'

export function interpretGroup(groups: Groups, op: Op): void {
  const body = decodeGroupBody(op.header.type, op.body)
  if (body?.type === 'commit') groups.addCommit(op, body)
  if (body?.type === 'bundle') groups.addBundle(op, body)
  if (body?.type === 'commitReject') groups.addReject(op, body.epoch)
  if (body?.type === 'keyWant') groups.grants.addWant(op, body.epochs)
  if (body?.type === 'grant') groups.grants.addGrant(op, body.want, body.sealed)
  if (body?.type === 'historyShare') groups.grants.addShare(op, body.identity)
}
