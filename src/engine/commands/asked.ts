/** What every command is handed: the engine, the step it runs in, and whom to answer. */
import type { ApiError, Command } from '../../api.ts'
import { type AuthorityBody, encodeAuthorityBody } from '../../wire/authority.ts'
import { AUTHORITY_CHANNEL } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import type { Asker } from '../out.ts'
import { isSoAlready, refusal } from '../refusals.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'

export type Run<T extends Command['type']> = Command & { readonly type: T }

export interface Asked { readonly engine: Engine; readonly turn: Turn; readonly asker: Asker }

/** In a space that this device has. */
export interface AskedIn extends Asked { readonly replica: Replica }

/** undefined: done and answered, or the answer comes with the rows asked for. */
export type Refusal = ApiError | undefined

/** What is wrong with a name of a space, a channel or a person. */
export function named(name: string): Refusal {
  const text = name.trim()
  return text === '' ? fail('name-empty') : text.length > limits.MAX_NAME_CHARS ? fail('name-too-long') : undefined
}

/** Refuses with authority's reason, or makes the op, sends it and answers. */
export const change = (asked: AskedIn, body: AuthorityBody, result: object = {}): Promise<Refusal> => changeAll(asked, [body], result)

/** All of them or none. What is so already is left out. */
export async function changeAll({ engine, turn, asker, replica }: AskedIn, bodies: readonly AuthorityBody[], result: object = {}): Promise<Refusal> {
  const due: AuthorityBody[] = []
  for (const body of bodies) {
    const reason = replica.authority.refuse(replica.me.identity, body, undefined, replica.me.device)
    if (reason === undefined) due.push(body)
    else if (!isSoAlready(reason)) return refusal(reason)
  }
  if (due.length > 0 && replica.isFull(turn, AUTHORITY_CHANNEL)) return fail('limit-reached', 'You have changed as much here today as others take in. Go on tomorrow.')
  const ops: Op[] = []
  for (const body of due) ops.push(await replica.append(turn, body.type, encodeAuthorityBody(body)))
  if (ops.length > 0) await engine.distribute(turn, replica, ops)
  turn.out.reply(asker, result)
  return undefined
}

/** Who was put out gets no further keys: the groups are changed now where this device can. */
export async function refreshGroups({ engine, turn, replica }: AskedIn): Promise<void> {
  for (const audience of replica.audiences.values()) await engine.groupwork.now(turn, audience)
}
