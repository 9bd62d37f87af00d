/** What every command is handed: the engine, the step it runs in, and whom to answer. */
import type { ApiError, Command } from '../../api.ts'
import { type AuthorityBody, encodeAuthorityBody } from '../../wire/authority.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import type { Asker } from '../out.ts'
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
export async function change({ engine, turn, asker, replica }: AskedIn, body: AuthorityBody, result: object = {}): Promise<Refusal> {
  const refusal = replica.authority.refuse(replica.me.identity, body)
  if (refusal !== undefined) return fail('not-allowed')
  const op = await replica.append(turn, body.type, encodeAuthorityBody(body))
  await engine.distribute(turn, replica, [op])
  turn.out.reply(asker, result)
  return undefined
}
