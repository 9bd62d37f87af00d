/** Trees that are worked out from commits by somebody who was never in the group. */
import { expect, test } from 'vitest'
import { commit, createGroup, createKeyPackage, externalCommit, joinFromWelcome, leaves, type Made, type MlsSelf, processCommit, type MlsState } from './mls.ts'
import { GROUP, must, NOTHING, people, pick, welcomeOf, YEAR } from './mls-people.ts'
import { treeAfter } from './public-tree.ts'

test('U3 whoever has all commits since the founding has the tree of each, in random histories', async () => {
  const world = await people('public tree'), { ctx, suite, random } = world
  for (let round = 0; round < 4; round++) {
    let states = new Map<MlsSelf, MlsState>(), tree: Uint8Array | undefined
    const founder = await world.person()
    states.set(founder, await createGroup(ctx, founder, GROUP))
    for (let step = 0; step < 12; step++) {
      const everyone = [...states.keys()], author = everyone[pick(random, everyone.length)] as MlsSelf, state = states.get(author) as MlsState
      const own = leaves(state).find(({ device }) => device.every((byte, i) => byte === author.device.publicKey[i]))?.index
      const others = leaves(state).filter(({ index }) => index !== own), remove = others.length > 2 && pick(random, 3) === 0 ? [others[pick(random, others.length)]?.index as number] : []
      const newcomers = await Promise.all(Array.from({ length: step === 0 ? 2 : pick(random, 3) }, async () => { const who = await world.person(); return { who, pkg: await createKeyPackage(ctx, who, YEAR) } }))
      const made: Made = must(await commit(ctx, state, { ...NOTHING, add: newcomers.map(({ pkg }) => pkg.public), remove }))
      tree = await treeAfter(tree, made.commit, suite)
      expect(tree).toEqual(made.tree)
      const next = new Map<MlsSelf, MlsState>([[author, made.state]])
      for (const [who, before] of states) {
        const after = who === author ? undefined : await processCommit(ctx, before, made.commit)
        if (after !== undefined && !('reason' in after)) next.set(who, after)
      }
      for (const { who, pkg } of newcomers) next.set(who, must(await joinFromWelcome(ctx, welcomeOf(made), made.tree, pkg, who)))
      states = next
    }
  }
})

test('U3 nothing is made of a joining from outside, of noise, or of a commit on another tree', async () => {
  const world = await people('no tree'), { ctx, suite } = world, founder = await world.person(), joiner = await world.person()
  const first = must(await commit(ctx, await createGroup(ctx, founder, GROUP), NOTHING))
  const joined = must(await externalCommit(ctx, first.groupInfo, first.tree, joiner, new Uint8Array()))
  const second = must(await commit(ctx, joined.state, NOTHING))
  expect(await treeAfter(first.tree, joined.commit, suite)).toBeUndefined()
  expect(await treeAfter(first.tree, new Uint8Array([1, 2, 3]), suite)).toBeUndefined()
  expect(await treeAfter(new Uint8Array([1]), second.commit, suite)).toBeUndefined()
  expect(await treeAfter(first.tree, second.commit, suite)).toBeUndefined()
  expect(await treeAfter(joined.tree, second.commit, suite)).toEqual(second.tree)
})
