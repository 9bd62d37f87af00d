/** The headless peer's README names every command, error, reason and update, and none that isn't there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMAND_TYPES, fieldsOf } from './command.ts'

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const readme = read('node/README.md')
const section = (title: string): string => readme.split(/^## /m).find((part) => part.startsWith(title)) ?? ''
const inTicks = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)
const quoted = (text: string): string[] => [...text.replace(/\/\*.*?\*\//g, '').matchAll(/'([^']+)'/g)].map((match) => match[1] as string)
/** The texts of a union type in the api's source, up to the next empty line. */
const union = (path: string, name: string): string[] => quoted((read(path).split(`export type ${name} =`)[1] ?? '').split('\n\n')[0] ?? '')

/** The peer is set up by its flags, and `stop` is its own. */
const COMMANDS = [...COMMAND_TYPES.filter((type) => type !== 'set-up'), 'stop']
const ERRORS = union('api.ts', 'ErrorCode'), REASONS = union('api/authority.ts', 'ReasonCode')
const rows = section('Commands').split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split(/(?<!\\)\|/).slice(1).map((cell) => cell.trim()))

test('every command has one row, with its fields in order', () => {
  expect(rows.map(([name]) => name?.replaceAll('`', '')).sort()).toEqual([...COMMANDS].sort())
  for (const [name = '', fields = ''] of rows) {
    const type = name.replaceAll('`', '')
    const named = [...fields.replace(/:[^,[]*/g, '').matchAll(/\[?\w+\]?/g)].map(([field]) => field)
    expect(named, type).toEqual(type === 'stop' ? [] : fieldsOf(type))
  }
})

test('every error code is explained once, and commands name only those there are', () => {
  const explained = section('Errors').split('\n').filter((line) => line.startsWith('| `')).flatMap((line) => inTicks(line.split('|')[1] ?? ''))
  expect(explained.sort()).toEqual([...ERRORS].sort())
  for (const [name = '', , , errors = ''] of rows) {
    for (const code of inTicks(errors)) expect(ERRORS.some((known) => known === code || (code.endsWith('*') && known.startsWith(code.slice(0, -1)))), `${name} ${code}`).toBe(true)
  }
})

test('every reason is named', () => {
  expect(inTicks(section('Errors').split('\nReasons.')[1] ?? '').sort()).toEqual([...REASONS].sort())
})

test('every update is named', () => {
  const updates = [...`${read('api.ts').split('export type Update =')[1]?.split('\n\n')[0]}${read('api/authority.ts').split('export type AuthorityUpdate =')[1]?.split('\n\n')[0]}${read('api/messages.ts').split('export type MessageUpdate =')[1]}`.matchAll(/readonly type: '([^']+)'/g)].map((m) => m[1])
  for (const update of updates) expect(inTicks(section('Updates')), update).toContain(update)
  expect(updates.length).toBeGreaterThan(5)
})
