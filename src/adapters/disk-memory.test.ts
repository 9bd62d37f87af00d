import { expect, test } from 'vitest'
import type { Save } from '../ports.ts'
import { utf8 } from '../wire/bytes.ts'
import { faultyDisk, openMemoryDisk, type SaveFault } from './disk-memory.ts'

const say = (text: string): Save[] => [{ type: 'put', partition: 'log', key: utf8(text), value: utf8(text) }]

/** A disk that meets these faults, one a save, and then none. */
function alice(...faults: SaveFault[]) {
  const memory = openMemoryDisk()
  const disk = faultyDisk(memory, () => faults.shift() ?? 'none')
  const afterCrash = async (): Promise<string[]> => (await openMemoryDisk(memory.snapshot()).range('log', { limit: 99 })).map(row => new TextDecoder().decode(row.key))
  return { disk, afterCrash }
}

test('a save that fails, or finds the disk full, changes nothing and the next one goes on', async () => {
  const { disk, afterCrash } = alice('none', 'fail', 'full')
  await disk.save(say('1'))
  await expect(disk.save(say('2'))).rejects.toMatchObject({ reason: 'failed' })
  await expect(disk.save(say('3'))).rejects.toMatchObject({ reason: 'full' })
  await disk.save(say('4'))
  expect(await afterCrash()).toEqual(['1', '4'])
})

test('a process that dies in a save never learns whether it took place', async () => {
  for (const [fault, expected] of [['die-before', ['1']], ['die-after', ['1', '2']]] as const) {
    const { disk, afterCrash } = alice('none', fault)
    await disk.save(say('1'))
    await expect(disk.save(say('2'))).rejects.toMatchObject({ reason: 'closed' })
    await expect(disk.save(say('3'))).rejects.toMatchObject({ reason: 'closed' })
    await expect(disk.get('log', utf8('1'))).rejects.toMatchObject({ reason: 'closed' })
    await expect(disk.range('log', { limit: 1 })).rejects.toMatchObject({ reason: 'closed' })
    await disk.close()
    expect(await afterCrash()).toEqual(expected)
  }
})

test('a snapshot is one moment: what is saved later, here or on a disk opened on it, is not in it', async () => {
  const disk = openMemoryDisk()
  await disk.save(say('1'))
  const snapshot = disk.snapshot()
  await disk.save(say('2'))
  const again = openMemoryDisk(snapshot)
  await again.save(say('3'))
  expect((await openMemoryDisk(snapshot).range('log', { limit: 9 })).length).toBe(1)
  expect((await again.range('log', { limit: 9 })).length).toBe(2)
})
