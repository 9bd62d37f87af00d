/** MLS by size: what a commit, a join and a state cost at 10, 100 and 1000 devices. */
import { seededRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import { commit, createGroup, createKeyPackage, encodeState, encodeTree, externalCommit, groupInfo, joinFromWelcome, type Made, type MlsContext, type MlsSelf, type MlsState, processCommit, type Refused } from '../engine/group/mls.ts'
import { type Figure, median, timed } from './table.ts'

const NONE = new Uint8Array()

function made<T extends object>(result: T | Refused): T {
  if ('reason' in result) throw new Error(result.reason)
  return result
}

export async function benchGroups(sizes: readonly number[]): Promise<Figure[]> {
  const out: Figure[] = []
  for (const size of sizes) out.push(...await benchGroup(size))
  return out
}

async function benchGroup(size: number): Promise<Figure[]> {
  const suite = await createSuite(seededRandom(size))
  const ctx: MlsContext = { suite, validate: () => true }
  const person = async (n: number): Promise<MlsSelf> => {
    const seed = new Uint8Array(32)
    new DataView(seed.buffer).setUint32(0, n + 1)
    return { identity: seed, device: await suite.signingKey(seed), certHash: seed }
  }
  const lifetime = { notBefore: 0, notAfter: 2_000_000_000 }
  let alice: MlsState = await createGroup(ctx, await person(0), new Uint8Array(32))
  // A mass join leaves the tree cold; the founder's update warms its own path, as in the product.
  for (let from = 1; from < size; from += 64) {
    const add: Uint8Array[] = []
    for (let n = from; n < Math.min(size, from + 64); n++) add.push((await createKeyPackage(ctx, await person(n), lifetime)).public)
    alice = made<Made>(await commit(ctx, alice, { add, remove: [], authenticatedData: NONE })).state
  }
  const bobSelf = await person(size), bobPackage = await createKeyPackage(ctx, bobSelf, lifetime)
  const added = made<Made>(await commit(ctx, alice, { add: [bobPackage.public], remove: [], authenticatedData: NONE }))
  let bob = made<MlsState>(await joinFromWelcome(ctx, added.welcome ?? NONE, added.tree, bobPackage, bobSelf))
  alice = added.state
  const rounds = size >= 1000 ? 3 : 7
  const at = `, ${size} devices`
  const figures: Figure[] = []
  const measure = async (what: string, work: () => unknown): Promise<void> => {
    const times: number[] = []
    for (let i = 0; i < rounds; i++) times.push(await timed(work))
    figures.push({ what: what + at, value: median(times), unit: 'ms' })
  }
  await measure('join from a welcome', async () => made(await joinFromWelcome(ctx, added.welcome ?? NONE, added.tree, bobPackage, bobSelf)))
  let update = made<Made>(await commit(ctx, alice, { add: [], remove: [], authenticatedData: NONE }))
  await measure('update, create', async () => { update = made<Made>(await commit(ctx, alice, { add: [], remove: [], authenticatedData: NONE })) })
  await measure('update, process', async () => made(await processCommit(ctx, bob, update.commit)))
  bob = made<MlsState>(await processCommit(ctx, bob, update.commit))
  alice = update.state
  const carol = await createKeyPackage(ctx, await person(size + 1), lifetime)
  let add = update
  await measure('add one, create', async () => { add = made<Made>(await commit(ctx, alice, { add: [carol.public], remove: [], authenticatedData: NONE })) })
  await measure('add one, process', async () => made(await processCommit(ctx, bob, add.commit)))
  let remove = update
  await measure('remove one, create', async () => { remove = made<Made>(await commit(ctx, alice, { add: [], remove: [Math.min(1, size - 1)], authenticatedData: NONE })) })
  if (size > 2) await measure('remove one, process', async () => made(await processCommit(ctx, bob, remove.commit)))
  const info = await groupInfo(ctx, alice), dave = await person(size + 2)
  await measure('join from outside', async () => made(await externalCommit(ctx, info, encodeTree(alice), dave, NONE)))
  figures.push({ what: `state${at}`, value: encodeState(alice).length / 1024, unit: 'KB' }, { what: `tree${at}`, value: encodeTree(alice).length / 1024, unit: 'KB' })
  return figures
}
