import { describe, expect, test } from 'vitest'
import { concat } from '../../wire/bytes.ts'
import { inspectAnyCommit } from './mls-codec.ts'
import { commit, createGroup, createKeyPackage, externalCommit, joinFromWelcome, type MlsSelf, type MlsState } from './mls.ts'
import { GROUP, must, NOTHING, people, pick, welcomeOf, YEAR } from './mls-people.ts'
import { readUsualCommit } from './usual-commit.ts'

/** One of each sort: adds, a removal with an add, a renewal, a joining from outside, a coming back from there. */
async function commits(seed: string): Promise<Uint8Array[]> {
  const world = await people(seed), { ctx } = world
  const all: MlsSelf[] = []
  for (let n = 0; n < 4; n++) all.push(await world.person())
  const [alice, bob, carol, dave] = all as [MlsSelf, MlsSelf, MlsSelf, MlsSelf]
  const packages = [await createKeyPackage(ctx, bob, YEAR), await createKeyPackage(ctx, carol, YEAR)]
  const first = must(await commit(ctx, await createGroup(ctx, alice, GROUP), { ...NOTHING, add: packages.map((p) => p.public) }))
  const state: MlsState = must(await joinFromWelcome(ctx, welcomeOf(first), first.tree, packages[0] as never, bob))
  const swap = must(await commit(ctx, state, { add: [(await createKeyPackage(ctx, dave, YEAR)).public], remove: [2], authenticatedData: new Uint8Array(32) }))
  const renewal = must(await commit(ctx, state, NOTHING))
  const joined = must(await externalCommit(ctx, first.groupInfo, first.tree, dave, new Uint8Array([5])))
  const back = must(await externalCommit(ctx, joined.groupInfo, joined.tree, carol, new Uint8Array()))
  return [first, swap, renewal, joined, back].map((made) => made.commit)
}

/** What it reads, ts-mls reads, and the same. */
function agree(bytes: Uint8Array): boolean {
  const usual = readUsualCommit(bytes)
  if (usual !== undefined) expect(usual).toEqual(inspectAnyCommit(bytes))
  return usual !== undefined
}

describe('a commit in its usual form', () => {
  test('all that our apps make are read as ts-mls reads them', async () => {
    const all = await commits('usual')
    for (const bytes of all) expect(agree(bytes)).toBe(true)
    expect(all.map((bytes) => readUsualCommit(bytes)?.addedLeaves.length)).toEqual([2, 1, 0, 0, 0])
    expect(all.map((bytes) => readUsualCommit(bytes)?.removedLeaves)).toEqual([[], [2], [], [], [2]])
  })

  test('what is cut, longer, or another in one byte is read as ts-mls reads it, or left to it', async () => {
    const { random } = await people('bytes')
    let taken = 0, left = 0
    for (const bytes of await commits('changed')) {
      for (let n = 0; n < bytes.length; n++) expect(readUsualCommit(bytes.subarray(0, n))).toBeUndefined()
      expect(readUsualCommit(concat(bytes, new Uint8Array(1)))).toBeUndefined()
      for (let at = 0; at < bytes.length; at++) {
        // Keys, signatures and sealed secrets are nearly all of it, and in them nothing matters.
        const isOpaque = readUsualCommit(bytes.with(at, (bytes[at] as number) ^ 1)) !== undefined && readUsualCommit(bytes.with(at, (bytes[at] as number) ^ 255)) !== undefined
        if (isOpaque && pick(random, 8) > 0) continue
        for (const value of [0, 1, 2, 3, 63, 64, 255, (bytes[at] as number) ^ 1, (bytes[at] as number) ^ 64, pick(random, 256)]) if (agree(bytes.with(at, value))) taken++; else left++
      }
    }
    expect(taken).toBeGreaterThan(1000)
    expect(left).toBeGreaterThan(1000)
  })

  test('a length written the long way, which ts-mls reads, is not the usual form', async () => {
    for (const bytes of await commits('long')) {
      // The group's id stands first: 32 bytes.
      const long = concat(bytes.subarray(0, 4), Uint8Array.of(64, bytes[4] as number), bytes.subarray(5))
      expect(readUsualCommit(long)).toBeUndefined()
      const longer = concat(bytes.subarray(0, 4), Uint8Array.of(128, 0, 0, bytes[4] as number), bytes.subarray(5))
      expect(readUsualCommit(longer)).toBeUndefined()
    }
  })
})
