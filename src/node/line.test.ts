import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../wire/bytes.ts'
import { LineCutter, MAX_LINE_BYTES, readLine, writeError, writeReply, writeUpdate } from './line.ts'

const read = (text: string) => readLine(utf8(text))
const SPACE = 'ab'.repeat(32)

describe('cutting', () => {
  test('lines come out whole, however the bytes were cut', () => {
    fc.assert(fc.property(fc.array(fc.string().map((s) => s.replaceAll('\n', ' '))), fc.array(fc.nat(40)), (texts, cuts) => {
      const bytes = utf8(texts.map((text) => `${text}\n`).join(''))
      const cutter = new LineCutter()
      const lines: (Uint8Array | 'too-long')[] = []
      let at = 0
      for (const cut of cuts) { lines.push(...cutter.push(bytes.subarray(at, at + cut))); at = Math.min(at + cut, bytes.length) }
      lines.push(...cutter.push(bytes.subarray(at)), ...cutter.end())
      expect(lines.map((line) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(line as Uint8Array))).toEqual(texts)
    }))
  })

  test('a last line without its end counts', () => {
    const cutter = new LineCutter()
    expect(cutter.push(utf8('one\ntw'))).toHaveLength(1)
    expect(cutter.end()).toEqual([Buffer.from('tw')])
    expect(cutter.end()).toEqual([])
  })

  test('a line beyond the limit is not kept, and the next one is read', () => {
    const cutter = new LineCutter()
    const lines = [...cutter.push(new Uint8Array(MAX_LINE_BYTES).fill(120)), ...cutter.push(utf8('xx')), ...cutter.push(utf8('x\nok\n'))]
    expect(lines).toEqual(['too-long', Buffer.from('ok')])
    expect(readLine('too-long')).toMatchObject({ type: 'bad', id: null, error: { code: 'bad-request' } })
  })
})

describe('reading', () => {
  test('a command with its id', () => {
    expect(read('{"id":1,"type":"create-space","name":"A"}')).toEqual({ type: 'command', id: 1, command: { type: 'create-space', name: 'A' } })
    expect(read('{"id":"x","type":"status"}\r')).toEqual({ type: 'command', id: 'x', command: { type: 'status' } })
    expect(read('{"type":"status"}')).toEqual({ type: 'command', id: null, command: { type: 'status' } })
    expect(read('{"id":2,"type":"stop"}')).toEqual({ type: 'stop', id: 2 })
    expect(read('')).toBeUndefined()
    expect(read('  ')).toBeUndefined()
  })

  test.each([
    ['nonsense', null, 'not JSON'], ['[1]', null, 'not a JSON object'], ['null', null, 'not a JSON object'], ['{"id":1.5,"type":"status"}', null, '"id" must be'],
    ['{"id":[],"type":"status"}', null, '"id" must be'], ['{"id":3}', 3, 'needs a "type"'], ['{"id":3,"type":"fly"}', 3, 'no command "fly"'],
    ['{"id":3,"type":"list-channels"}', 3, 'the fields space'], ['{"id":3,"type":"list-channels","space":"x"}', 3, 'well-formed'],
    [`{"id":3,"type":"list-channels","space":"${SPACE}","limit":1}`, 3, 'the fields space'], ['{"id":3,"type":"list-spaces","space":1}', 3, 'no fields'],
    ['{"id":3,"type":"set-up","name":"A"}', 3, '--name'], ['{"id":3,"type":"stop","now":true}', 3, 'no fields'],
  ])('%s is answered with what is wrong', (text, id, message) => {
    const line = read(text)
    expect(line).toMatchObject({ type: 'bad', id, error: { code: 'bad-request' } })
    expect(line?.type === 'bad' ? line.error.message : '').toContain(message)
  })

  test('bytes that are not UTF-8 are answered', () => {
    expect(readLine(new Uint8Array([0x7b, 0xff, 0x7d]))).toMatchObject({ type: 'bad', id: null })
  })

  test('no bytes and no JSON make it throw', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => { readLine(bytes) }))
    fc.assert(fc.property(fc.json(), (text) => { read(text) }))
    fc.assert(fc.property(fc.string(), fc.jsonValue(), (type, rest) => { read(JSON.stringify({ id: 1, type, rest })) }))
  })
})

test('every answer is one line', () => {
  const update = writeUpdate({ type: 'notice', error: { code: 'internal', message: 'two\nlines\u2028' } })
  expect(update).toBe('{"type":"update","update":{"type":"notice","error":{"code":"internal","message":"two\\nlines\u2028"}}}')
  expect(writeReply(7, { id: 1, ok: true, result: { spaces: [] } })).toBe('{"id":7,"ok":true,"spaces":[]}')
  expect(writeReply('x', { id: 1, ok: false, error: { code: 'busy', message: 'm' } })).toBe('{"id":"x","ok":false,"error":{"code":"busy","message":"m"}}')
  expect(writeError(null, { code: 'bad-request', message: 'm' })).toBe('{"id":null,"ok":false,"error":{"code":"bad-request","message":"m"}}')
})
