/** Where the other half of the tally is kept. The browser's own place is played in e2e/emptied.spec.ts. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileTally } from './tally-file.ts'
import { opfsTally } from './tally-opfs.ts'

const ONE = Uint8Array.of(1, 2, 3, 4), TWO = Uint8Array.of(5, 6)

describe('in a file', () => {
  let dir = ''
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'thicket-tally-')) })
  afterEach(() => { rmSync(dir, { recursive: true, force: true }) })

  test('holds what was written last, over restarts, and no other file stays', async () => {
    expect(await fileTally(dir).read()).toBeUndefined()
    for (const bytes of [ONE, TWO]) await fileTally(dir).write(bytes)
    expect(await fileTally(dir).read()).toEqual(TWO)
    expect(readdirSync(dir)).toEqual(['tally'])
  })

  test('without its folder it holds nothing, and never throws', async () => {
    const tally = fileTally(join(dir, 'gone'))
    await tally.write(ONE)
    expect(await tally.read()).toBeUndefined()
  })
})

/** A directory with one file, which only one may hold. `refusals`: so often it is held by another. */
function directory(refusals: number) {
  let bytes: number[] = [], left = refusals
  const handle = {
    getSize: () => bytes.length,
    read: (into: Uint8Array) => { into.set(bytes); return bytes.length },
    write: (from: Uint8Array) => { bytes = [...from, ...bytes.slice(from.length)]; return from.length },
    truncate: (size: number) => { bytes.length = size },
  }
  const file = { createSyncAccessHandle: async () => { if (left-- > 0) throw new DOMException('held', 'NoModificationAllowedError'); return handle } }
  return { getDirectory: async () => ({ getFileHandle: async () => file }) as unknown as FileSystemDirectoryHandle }
}

describe('in the browser', () => {
  test('holds what was written last, shorter or longer', async () => {
    const storage = directory(0)
    const open = () => opfsTally({ storage, name: 'tally', pause: async () => {} })
    expect(await open().read()).toBeUndefined()
    for (const bytes of [ONE, TWO, ONE]) {
      await open().write(bytes)
      expect(await open().read()).toEqual(bytes)
    }
  })

  test('while the former worker holds it, it is asked for again; where there is no such place, there is no tally', async () => {
    const pauses: number[] = []
    const pause = async (ms: number): Promise<void> => { pauses.push(ms) }
    const late = opfsTally({ storage: directory(2), name: 'tally', pause })
    await late.write(ONE)
    expect(await late.read()).toEqual(ONE)
    expect(pauses).toEqual([50, 100])
    const nowhere = opfsTally({ storage: { getDirectory: () => Promise.reject(new DOMException('private window', 'SecurityError')) }, name: 'tally', pause })
    await nowhere.write(ONE)
    expect(await nowhere.read()).toBeUndefined()
  })
})
