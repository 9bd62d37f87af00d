/**
 * The headless peer's language: one JSON object a line.
 *
 *   in    {"id":1,"type":"create-space","name":"A"}
 *   out   {"id":1,"ok":true,"space":"…","channel":"…"}
 *         {"id":1,"ok":false,"error":{"code":"name-empty","message":"…"}}
 *         {"type":"update","update":{"type":"spaces","spaces":[…]}}
 *
 * An id is a whole number or a short text, and comes back as it was. A line that can't be read is answered with id null, or its id where that much
 * could be read.
 */
import type { ApiError, Command, Reply, Update } from '../api.ts'
import { decodeCommand, fieldsOf } from '../wire/command.ts'

/** Bytes of a line, without its end: the longest command has room. */
export const MAX_LINE_BYTES = 256 * 1024
const MAX_ID_CHARS = 64

export type LineId = number | string | null

export type Line =
  | { readonly type: 'command'; readonly id: LineId; readonly command: Command }
  | { readonly type: 'stop'; readonly id: LineId }
  | { readonly type: 'bad'; readonly id: LineId; readonly error: ApiError }

/** Cuts bytes into lines; 'too-long' stands for a line beyond the limit, whose bytes are not kept. */
export class LineCutter {
  private held: Uint8Array[] = []
  private heldBytes = 0

  push(chunk: Uint8Array): (Uint8Array | 'too-long')[] {
    const lines: (Uint8Array | 'too-long')[] = []
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.hold(chunk.subarray(from, end))
      lines.push(this.take())
      from = end + 1
    }
    this.hold(chunk.subarray(from))
    return lines
  }

  /** What stands after the last line end, if anything. */
  end(): (Uint8Array | 'too-long')[] { return this.heldBytes > 0 ? [this.take()] : [] }

  private hold(part: Uint8Array): void {
    this.heldBytes += part.length
    if (this.heldBytes > MAX_LINE_BYTES) this.held = []
    else if (part.length > 0) this.held.push(part.slice())
  }

  private take(): Uint8Array | 'too-long' {
    const line = this.heldBytes > MAX_LINE_BYTES ? 'too-long' : Buffer.concat(this.held)
    this.held = []
    this.heldBytes = 0
    return line
  }
}

/** Reads one line; undefined for an empty one. Never throws. */
export function readLine(bytes: Uint8Array | 'too-long'): Line | undefined {
  if (bytes === 'too-long') return bad(null, `The line is longer than ${MAX_LINE_BYTES} bytes.`)
  let text: string
  try { text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim() } catch { return bad(null, 'The line is not UTF-8.') }
  if (text === '') return undefined
  let value: unknown
  try { value = JSON.parse(text) } catch { return bad(null, 'The line is not JSON.') }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(null, 'The line is not a JSON object.')
  const { id: givenId, ...rest } = value as { readonly id?: unknown; readonly type?: unknown }
  const id = readId(givenId)
  if (id === undefined) return bad(null, `"id" must be a whole number or a text of at most ${MAX_ID_CHARS} characters.`)
  if (rest.type === 'stop') return Object.keys(rest).length === 1 ? { type: 'stop', id } : bad(id, '"stop" takes no fields.')
  const command = decodeCommand(rest)
  if (command?.type === 'set-up') return bad(id, 'The peer is set up from --name; "set-name" renames it.')
  return command === undefined ? bad(id, whatIsWrong(rest.type)) : { type: 'command', id, command }
}

function readId(id: unknown): LineId | undefined {
  if (id === undefined || id === null) return null
  if (typeof id === 'string') return id.length <= MAX_ID_CHARS ? id : undefined
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : undefined
}

function whatIsWrong(type: unknown): string {
  const fields = fieldsOf(type)
  if (fields !== undefined) return `"${String(type)}" takes ${fields.length === 0 ? 'no fields' : `the fields ${fields.join(', ')} (in brackets: may be left out)`}, each well-formed.`
  return typeof type === 'string' ? `There is no command ${JSON.stringify(type.slice(0, MAX_ID_CHARS))}.` : 'A command needs a "type".'
}

const bad = (id: LineId, message: string): Line => ({ type: 'bad', id, error: { code: 'bad-request', message } })

/** Without the line end. JSON leaves no raw line end inside. */
export const writeReply = (id: LineId, reply: Reply): string =>
  JSON.stringify(reply.ok ? { id, ok: true, ...reply.result } : { id, ok: false, error: reply.error })
export const writeError = (id: LineId, error: ApiError): string => JSON.stringify({ id, ok: false, error })
export const writeUpdate = (update: Update): string => JSON.stringify({ type: 'update', update })
