/** MLS by size: what a commit, a join and a state cost at 10, 100 and 1000 devices, in a tree that a mass join left cold and in one that was used. */
import { seededRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import {
  commit, createGroup, createKeyPackage, encodeState, encodeTree, externalCommit, groupInfo, joinFromWelcome, type Made, type MlsContext, type MlsSelf, type MlsState, type OwnKeyPackage,
  processCommit, type Refused,
} from '../engine/group/mls.ts'
import { MAX_COMMIT_CHANGES } from '../engine/limits.ts'
import { type Figure, median, worked } from './table.ts'

const NONE = new Uint8Array()
const LIFETIME = { notBefore: 0, notAfter: 2_000_000_000 }
/** So many members, spread over the tree, renew their keys: their paths are what makes it warm for everyone else. */
const ACTIVE = 16
/** What a commit may take at 1,000 devices, in ms: half of it is what we want. */
const MUST: Readonly<Record<string, number>> = {
  'update: create': 120, 'add one: create': 120, 'remove one: create': 120, 'update: process': 50, 'add one: process': 50, 'remove one: process': 50, 'join from a welcome': 1000, 'join from outside': 1000,
}

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
  const crowd = new Crowd({ suite, validate: () => true }, size)
  const figures: Figure[] = []
  const note = (what: string, value: number, unit: string): void => { figures.push({ what, value, unit, at: size, ...(size === 1000 && MUST[what] !== undefined ? { beside: `must ${MUST[what]} at 1,000` } : {}) }) }
  note(`create, add all, ${MAX_COMMIT_CHANGES} a commit`, await crowd.gather(), 'ms')
  const measure = async (what: string, work: () => unknown): Promise<void> => {
    const times: number[] = []
    for (let i = 0; i < (size >= 1000 ? 3 : 7); i++) times.push(await worked(work))
    note(what, median(times), 'ms')
  }
  const { ctx } = crowd
  const change = (add: readonly Uint8Array[], remove: readonly number[]): Promise<Made | Refused> => commit(ctx, crowd.alice, { add, remove, authenticatedData: NONE })
  await measure('update: create, cold', async () => made(await change([], [])))
  await crowd.wake()

  const bobSelf = await crowd.person(size), bobPackage = await createKeyPackage(ctx, bobSelf, LIFETIME)
  const added = made<Made>(await change([bobPackage.public], []))
  const join = async (): Promise<MlsState> => made<MlsState>(await joinFromWelcome(ctx, added.welcome ?? NONE, added.tree, bobPackage, bobSelf))
  await measure('join from a welcome', join)
  const bob = await join()
  crowd.alice = added.state
  const carol = await createKeyPackage(ctx, await crowd.person(size + 1), LIFETIME)
  const kinds: readonly (readonly [string, readonly Uint8Array[], readonly number[]])[] = [['update', [], []], ['add one', [carol.public], []], ['remove one', [], [1]]]
  for (const [what, add, remove] of kinds) {
    await measure(`${what}: create`, async () => made(await change(add, remove)))
    const { commit: bytes } = made<Made>(await change(add, remove))
    await measure(`${what}: process`, async () => made(await processCommit(ctx, bob, bytes)))
    note(`${what}: commit`, bytes.length / 1000, 'KB')
  }
  const info = await groupInfo(ctx, crowd.alice), tree = encodeTree(crowd.alice), dave = await crowd.person(size + 2)
  await measure('join from outside', async () => made(await externalCommit(ctx, info, tree, dave, NONE)))
  note('state', encodeState(crowd.alice).length / 1000, 'KB')
  note('tree', tree.length / 1000, 'KB')
  return figures
}

/** Alice's group, and those of the others who will write. */
class Crowd {
  readonly ctx: MlsContext
  private readonly size: number
  private founded: MlsState | undefined
  private readonly active: { readonly self: MlsSelf; readonly pkg: OwnKeyPackage; state: MlsState | undefined }[] = []

  constructor(ctx: MlsContext, size: number) { this.ctx = ctx; this.size = size }

  get alice(): MlsState {
    if (this.founded === undefined) throw new Error('the group was not made yet')
    return this.founded
  }
  set alice(state: MlsState) { this.founded = state }

  async person(n: number): Promise<MlsSelf> {
    const seed = new Uint8Array(32)
    new DataView(seed.buffer).setUint32(0, n + 1)
    return { identity: seed, device: await this.ctx.suite.signingKey(seed), certHash: seed }
  }

  /** The founder adds everyone, as many at a time as a commit of ours takes; gives the founder's milliseconds. Whoever will be active follows from there. */
  async gather(): Promise<number> {
    const founder = await this.person(0)
    let ms = await worked(async () => { this.alice = await createGroup(this.ctx, founder, new Uint8Array(32)) })
    const every = Math.max(2, Math.floor(this.size / ACTIVE))
    for (let from = 1; from < this.size; from += MAX_COMMIT_CHANGES) {
      const add: Uint8Array[] = [], fresh: typeof this.active = []
      for (let n = from; n < Math.min(this.size, from + MAX_COMMIT_CHANGES); n++) {
        const self = await this.person(n), pkg = await createKeyPackage(this.ctx, self, LIFETIME)
        add.push(pkg.public)
        if (n % every === 0) fresh.push({ self, pkg, state: undefined })
      }
      let adding: Made | Refused = { reason: 'not tried' }
      ms += await worked(async () => { adding = await commit(this.ctx, this.alice, { add, remove: [], authenticatedData: NONE }) })
      const { state, commit: bytes, welcome, tree } = made<Made>(adding)
      await this.follow(bytes)
      for (const each of fresh) each.state = made<MlsState>(await joinFromWelcome(this.ctx, welcome ?? NONE, tree, each.pkg, each.self))
      this.active.push(...fresh)
      this.alice = state
    }
    return ms
  }

  /** Each active member renews its keys. */
  async wake(): Promise<void> {
    for (const each of this.active) {
      if (each.state === undefined) continue
      const { state, commit: bytes } = made<Made>(await commit(this.ctx, each.state, { add: [], remove: [], authenticatedData: NONE }))
      await this.follow(bytes, each)
      each.state = state
      this.alice = made<MlsState>(await processCommit(this.ctx, this.alice, bytes))
    }
  }

  private async follow(bytes: Uint8Array, by?: { readonly state: MlsState | undefined }): Promise<void> {
    for (const each of this.active) if (each !== by && each.state !== undefined) each.state = made<MlsState>(await processCommit(this.ctx, each.state, bytes))
  }
}
