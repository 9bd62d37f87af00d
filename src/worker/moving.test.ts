/** Alice opens a newer version: before what she has is written anew, she is told, and may save a copy. */
import { expect, test } from 'vitest'
import { FORM, migrationsDue } from '../adapters/disk-forms.ts'
import { openMemoryDisk } from '../adapters/disk-memory.ts'
import type { MovingInfo } from '../api.ts'
import type { Copies, CopyEnd, Disk } from '../ports.ts'
import { utf8 } from '../wire/bytes.ts'
import { encodeNumber } from '../wire/records.ts'
import { Moving } from './moving.ts'

/** As a disk of the first form, with something said. */
async function anOldDisk(): Promise<Disk> {
  const disk = openMemoryDisk()
  await disk.save([{ type: 'put', ...FORM, value: encodeNumber(1) }, { type: 'put', partition: 'ops', key: utf8('1'), value: utf8('hello Bob') }])
  return disk
}

/** Copies that end when they are told to. */
function slowCopies(): { readonly copies: Copies; readonly end: (end: CopyEnd) => void; readonly saved: string[] } {
  const saved: string[] = []
  let end: (end: CopyEnd) => void = () => undefined
  return {
    saved, end: (how) => { end(how) },
    copies: {
      save: (_, passphrase, tell) => { saved.push(passphrase); tell(1, 4); return new Promise((resolve) => { end = resolve }) },
      take: async () => ({ type: 'failed' }),
      cancel: () => { end({ type: 'cancelled' }) },
    },
  }
}

async function begin() {
  const disk = await anOldDisk(), told: MovingInfo[] = [], { copies, end, saved } = slowCopies()
  const moving = await Moving.due({ disk, copies, tell: (info) => { told.push(info) } })
  if (moving === undefined) throw new Error('nothing is due')
  return { disk, told, moving, end, saved }
}

test('nothing is written before she says so; then it is, and she is not asked again', async () => {
  const { disk, told, moving } = await begin()
  expect(moving.info).toEqual({ type: 'moving', step: 'asked', part: 0 })
  const running = moving.run()
  expect((await migrationsDue(disk)).some(({ rewrites }) => rewrites)).toBe(true)
  expect(await moving.ask({ type: 'lock' })).toMatchObject({ ok: false })
  expect(await moving.ask({ type: 'go-on' })).toEqual({ ok: true })
  await running
  expect(told.map(({ step }) => step)).toEqual(['moving'])
  expect(await disk.get('ops', utf8('1'))).toEqual(utf8('hello Bob'))
  expect(await Moving.due({ disk, copies: slowCopies().copies, tell: () => undefined })).toBeUndefined()
})

test('while a copy is saved she can’t go on; cancelled or failed, she can try again', async () => {
  const { told, moving, end, saved } = await begin()
  expect(await moving.ask({ type: 'save-copy', passphrase: 'short' })).toMatchObject({ ok: false })
  const first = moving.ask({ type: 'save-copy', passphrase: 'slugs under the lettuce' })
  expect(told.at(-1)).toEqual({ type: 'moving', step: 'copying', part: 0.25 })
  for (const ask of [{ type: 'go-on' }, { type: 'save-copy', passphrase: 'slugs under the roses' }] as const) expect(await moving.ask(ask)).toMatchObject({ ok: false })
  await moving.ask({ type: 'cancel-copy' })
  expect(await first).toMatchObject({ ok: false, message: 'Stopped. No copy was kept.' })
  const second = moving.ask({ type: 'save-copy', passphrase: 'slugs under the lettuce' })
  end({ type: 'full' })
  expect(await second).toMatchObject({ ok: false })
  const third = moving.ask({ type: 'save-copy', passphrase: 'slugs under the lettuce' })
  end({ type: 'done', file: 'copies/saved', bytes: 1 })
  expect(await third).toEqual({ ok: true, file: 'copies/saved' })
  expect(saved.length).toBe(3)
  const running = moving.run()
  await moving.ask({ type: 'go-on' })
  await running
})
