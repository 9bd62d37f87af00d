/** Bob saves a copy of all he has, and takes it on another laptop. */
import { describe, expect, test } from 'vitest'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'

const PASSPHRASE = 'slugs under the lettuce'

interface Copied { readonly h: Allotment; readonly bob: Person; readonly laptop: Person; readonly file: string; readonly device: string | undefined }

/** Bob has said something, saved a copy, and said something more. The laptop has nothing yet. */
async function aCopy(): Promise<Copied> {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.say(bob, 'Before the copy')
  await h.room.pass(5000)
  const { file, device } = await h.room.ask(bob, { type: 'save-copy', passphrase: PASSPHRASE })
  await h.say(bob, 'After the copy')
  await h.room.pass(5000)
  return { h, bob, file, device, laptop: await h.room.person('Laptop', true) }
}

const SAID = ['Bob: Before the copy', 'Bob: After the copy']

describe('a copy', () => {
  test('S9 is a device of its own: both go on side by side, no chain forks, and to the others it is Bob', async () => {
    const { h, bob, laptop, file, device } = await aCopy(), before = bob.device
    await h.room.ask(laptop, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(20_000)
    expect(laptop.device).toBe(device)
    expect([bob.device, bob.notices, laptop.notices]).toEqual([before, [], []])
    expect(await h.texts(laptop)).toEqual(SAID)
    await h.say(laptop, 'From the laptop')
    await h.say(bob, 'From the old one')
    await h.room.pass(10_000)
    for (const person of [h.alice, bob, laptop]) expect((await h.texts(person)).sort()).toEqual([...SAID, 'Bob: From the laptop', 'Bob: From the old one'].sort())
    expect(h.forked).toEqual([])
    expect(await h.names(h.alice)).toEqual(['Alice', 'Bob'])
    expect(await h.inGroup(h.alice)).toEqual(['Alice', 'Bob', 'Bob'])
    await laptop.restart()
    await h.say(laptop, 'Still here')
    await h.room.pass(10_000)
    expect((await h.texts(h.alice)).at(-1)).toBe('Bob: Still here')
  })

  test('S9 what Bob writes on both before they hear of each other goes out', async () => {
    const { h, bob, laptop, file } = await aCopy()
    h.room.goesOffline(bob)
    await h.say(bob, 'In the tunnel')
    await h.room.ask(laptop, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(5000)
    await h.say(laptop, 'At home')
    await h.room.pass(5000)
    await h.room.comesOnline(bob)
    await h.room.pass(20_000)
    expect((await h.texts(h.alice)).sort()).toEqual([...SAID, 'Bob: At home', 'Bob: In the tunnel'].sort())
    expect(h.forked).toEqual([])
  })

  test('offers the same device until one was taken, and then another', async () => {
    const { h, bob, laptop, file, device } = await aCopy()
    const save = async (): Promise<string | undefined> => (await h.room.ask(bob, { type: 'save-copy', passphrase: PASSPHRASE })).device
    expect(await save()).toBe(device)
    await h.room.ask(laptop, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(20_000)
    await h.say(laptop, 'Here I am')
    await h.room.pass(5000)
    expect(await save()).not.toBe(device)
  })

  test('S9 taken twice: the second only reads, and says so', async () => {
    const { h, laptop, file } = await aCopy(), tablet = await h.room.person('Tablet', true)
    await h.room.ask(laptop, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(20_000)
    await h.say(laptop, 'From the laptop')
    await h.room.pass(5000)
    await h.room.ask(tablet, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(60_000)
    expect(tablet.notices).toEqual(['put-back'])
    expect(await h.texts(tablet)).toEqual(expect.arrayContaining(SAID))
    expect(tablet.updates.flatMap((update) => (update.type === 'me' ? [update.me?.stuck] : [])).at(-1)).toBe(true)
    await h.say(tablet, 'From the tablet')
    await h.room.pass(10_000)
    for (const person of [h.alice, laptop]) expect(await h.texts(person)).toEqual([...SAID, 'Bob: From the laptop'])
    expect(h.forked).toEqual([])
  })

  test('S9 of a disk that no engine had prepared goes on as one that was put back', async () => {
    const { h, bob, laptop } = await aCopy(), before = bob.device
    const then = bob.disk.snapshot(), partitions = new Map(then.partitions), me = partitions.get('me')
    if (me !== undefined) partitions.set('me', { ...me, entries: me.entries.filter(({ key }) => key[0] !== 5) })
    h.room.copies.set('before a change of form', { passphrase: PASSPHRASE, then: { partitions } })
    h.room.leaves(bob)
    await h.room.ask(laptop, { type: 'take-copy', file: 'before a change of form', passphrase: PASSPHRASE })
    await h.room.pass(60_000)
    expect(laptop.notices).toEqual(['older', 'put-back'])
    expect(laptop.device).not.toBe(before)
    await h.say(laptop, 'Here I am')
    await h.room.pass(10_000)
    expect(await h.texts(h.alice)).toEqual([...SAID, 'Bob: Here I am'])
    expect(h.forked).toEqual([])
  })

  test('of a linked device has no keys of its own: it reads, and is linked again', async () => {
    const { h, bob, laptop: other } = await aCopy(), tablet = await h.room.person('Tablet', true)
    await h.links(bob, tablet)
    await h.room.pass(20_000)
    const { file, device } = await h.room.ask(tablet, { type: 'save-copy', passphrase: PASSPHRASE })
    expect(device).toBeUndefined()
    await h.room.ask(other, { type: 'take-copy', file, passphrase: PASSPHRASE })
    await h.room.pass(60_000)
    expect(await h.texts(other)).toEqual(SAID)
    expect(other.notices).toContain('put-back')
    expect(h.forked).toEqual([])
  })
})

describe('what is refused', () => {
  test('another passphrase, a short one, no file, and a device that is in spaces', async () => {
    const { h, bob, laptop, file } = await aCopy()
    const code = async (person: Person, command: Parameters<typeof h.room.reply>[1]): Promise<string> => { const reply = await h.room.reply(person, command); return reply?.ok === false ? reply.error.code : String(reply?.ok) }
    expect(await code(laptop, { type: 'take-copy', file, passphrase: 'slugs under the roses' })).toBe('copy-locked')
    expect(await code(laptop, { type: 'take-copy', file: 'nowhere', passphrase: PASSPHRASE })).toBe('copy-invalid')
    expect(await code(laptop, { type: 'save-copy', passphrase: PASSPHRASE })).toBe('not-set-up')
    expect(await code(bob, { type: 'save-copy', passphrase: 'short' })).toBe('passphrase-short')
    expect(await code(bob, { type: 'take-copy', file, passphrase: PASSPHRASE })).toBe('already-set-up')
    expect(await code(laptop, { type: 'take-copy', file, passphrase: PASSPHRASE })).toBe('true')
  })
})
