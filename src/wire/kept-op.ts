/**
 * An op of content as a device that can read it keeps it: what it says in place of what that was sealed as, and nothing that can be made again from its row's key, its partition
 * and the rest. So a row is half as long, and is what most of it says, which a disk can squeeze. Disks seal their rows, as they do the messages that were made of them.
 *
 *   kept = canonical CBOR [type, audience, [authority head, ...], epoch, number in the whole chain, label, op before in the whole chain, op before in the channel,
 *          first bytes of its id, signature, text]
 *
 * The op before in the whole chain is empty where it is the one before in the channel, and where there is none. The first bytes of the id show whether what is made of it
 * is the op that was kept. A whole op is a list of three and a husk one of two (op.ts): by that they are told apart.
 */
import { equal, fromHex, toHex } from './bytes.ts'
import { Cursor, encodeItems } from './cbor.ts'
import { MAX_CONTENT_BYTES } from './content.ts'
import { type EpochId, type OpId, parseOpId } from './ids.ts'
import { MAX_AUDIENCE, MAX_DEPS, MAX_TYPE_CHARS, type OpHeader } from './op.ts'

const FIELDS = 11
const LIST_OF_FIELDS = 0x80 + FIELDS
const MARK_BYTES = 4

/** `mark`: the first bytes of its id. */
export interface KeptOp extends Pick<OpHeader, 'type' | 'audience' | 'deps' | 'seq' | 'hlc' | 'prev' | 'chanPrev'> {
  readonly epoch: EpochId
  readonly mark: Uint8Array
  readonly sig: Uint8Array
  readonly text: Uint8Array
}

export const markOf = (id: OpId): Uint8Array => fromHex(id.slice(0, 2 * MARK_BYTES)) as Uint8Array
export const isMarked = ({ mark }: KeptOp, id: OpId): boolean => equal(mark, markOf(id))

export const isKeptOp = (row: Uint8Array): boolean => row[0] === LIST_OF_FIELDS

export const encodeKeptOp = (op: KeptOp): Uint8Array => encodeItems((out) => {
  out.list(FIELDS)
  out.text(op.type)
  out.uint(op.audience)
  out.list(op.deps.length)
  for (const dep of op.deps) out.hex(dep)
  out.hex(op.epoch)
  out.uint(op.seq)
  out.uint(op.hlc)
  out.hex(op.prev === op.chanPrev ? '' : op.prev ?? '')
  out.hex(op.chanPrev ?? '')
  out.bytes(op.mark)
  out.bytes(op.sig)
  out.bytes(op.text)
})

export function decodeKeptOp(bytes: Uint8Array): KeptOp | undefined {
  const c = new Cursor(bytes)
  if (c.list() !== FIELDS) return undefined
  const type = c.text(MAX_TYPE_CHARS), audience = c.uint(), deps = readIds(c), epoch = idAt(c), seq = c.uint(), hlc = c.uint()
  if (type === undefined || type === '' || type.length > MAX_TYPE_CHARS || audience < 0 || audience > MAX_AUDIENCE || deps === undefined || epoch === undefined || seq < 1 || hlc < 0) return undefined
  const before = linkAt(c), chanPrev = linkAt(c), mark = c.view(MARK_BYTES), sig = c.view(64), text = c.view(MAX_CONTENT_BYTES)
  if (before === null || chanPrev === null || mark?.length !== MARK_BYTES || (sig?.length !== 0 && sig?.length !== 64) || text === undefined || c.at !== bytes.length) return undefined
  // Only the shortest form is what was written; and the first op of a chain has none before it, every other one has.
  if (before !== undefined && before === chanPrev) return undefined
  const prev = before ?? chanPrev
  return (prev === undefined) === (seq === 1) ? { type, audience, deps, epoch: epoch as string as EpochId, seq, hlc, prev, chanPrev, mark, sig, text } : undefined
}

function idAt(c: Cursor): OpId | undefined {
  const bytes = c.view(32)
  return bytes?.length === 32 ? parseOpId(bytes) : undefined
}

/** undefined: none. null: something else stands there. */
function linkAt(c: Cursor): OpId | undefined | null {
  const bytes = c.view(32)
  if (bytes === undefined || (bytes.length !== 0 && bytes.length !== 32)) return null
  return bytes.length === 0 ? undefined : (toHex(bytes) as OpId)
}

function readIds(c: Cursor): OpId[] | undefined {
  const length = c.list(), out: OpId[] = []
  if (length < 0 || length > MAX_DEPS) return undefined
  for (let n = 0; n < length; n++) {
    const id = idAt(c)
    if (id === undefined || (n > 0 && (out[n - 1] as OpId) >= id)) return undefined
    out.push(id)
  }
  return out
}
