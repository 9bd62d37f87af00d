/** Searching as people do it, told with Alice and Bob and their engines. */
import { expect, test } from 'vitest'
import type { Command, FoundMessage, Results } from '../../api.ts'
import { decodeMessage, encodeMessage } from '../../wire/content-records.ts'
import type { ChannelId, OpId, SpaceId } from '../../wire/ids.ts'
import { type Person, readFrom, RELAY, Room } from '../engines.test-support.ts'
import { INDEX_PAUSE_MS, INDEX_REST_MS } from '../limits.ts'
import { Out } from '../out.ts'
import { encodePlace, placeOf, rowKey, rowsOf } from '../messages/places.ts'
import type { Located } from '../messages/reading.ts'
import type { Turn } from '../turn.ts'
import type { Reading } from '../reading.ts'
import { hunt } from './hunt.ts'
import { parseQuery } from './query.ts'
import { indexPartitions } from './search-index.ts'

interface Home { readonly room: Room; readonly alice: Person; readonly bob: Person; readonly space: SpaceId; readonly channel: ChannelId }

/** Alice's space, with Bob in it. */
async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  const bob = await room.person('Bob')
  await room.ask(bob, { type: 'join', link })
  await room.pass(2000)
  return { room, alice, bob, space, channel }
}

async function say(h: Home, person: Person, text: string, channel = h.channel): Promise<OpId> {
  const { messageId } = await h.room.ask(person, { type: 'send-message', space: h.space, channel, text })
  await h.room.pass(200)
  return messageId
}

type Asked = Omit<Extract<Command, { type: 'search-messages' }>, 'type' | 'query'>
const search = (h: Home, person: Person, query: string, more: Asked = {}): Promise<Results['search-messages']> => h.room.ask(person, { type: 'search-messages', query, ...more })
const texts = async (h: Home, person: Person, query: string, more: Asked = {}): Promise<string[]> => (await search(h, person, query, more)).results.map((r) => r.message.text)
const marked = (found: FoundMessage | undefined): string[] => (found?.marks ?? []).map(([from, to]) => (found?.snippet ?? '').slice(from, to))

/** All the words of the indexes on a disk, sealed by nothing here. */
async function indexed(h: Home, person: Person): Promise<string> {
  let out = ''
  for (const partition of indexPartitions(h.space)) for (const row of await person.disk.range(partition, { limit: 1e6 })) out += new TextDecoder().decode(row.value)
  return out
}

test('Bob finds what Alice said by words, phrases, beginnings, author, channel, kind and time, and sees where in the text', async () => {
  const h = await home()
  const { channel: shed } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'shed' })
  await say(h, h.alice, 'The full moon rises at nine')
  await say(h, h.bob, 'full of moonlight, then')
  await say(h, h.alice, 'ladder: https://ladders.test', shed)
  await h.room.pass(3000)
  expect(await texts(h, h.bob, 'full moon')).toEqual(['full of moonlight, then', 'The full moon rises at nine'])
  const phrase = await search(h, h.bob, '"full moon"')
  expect(phrase.results.map((r) => [r.space, r.message.authorName, ...marked(r)])).toEqual([[h.space, 'Alice', 'full', 'moon']])
  expect(await texts(h, h.bob, 'moonl')).toEqual(['full of moonlight, then'])
  expect(await texts(h, h.bob, 'from:alice full')).toEqual(['The full moon rises at nine'])
  expect(await texts(h, h.bob, 'from:me full')).toEqual(['full of moonlight, then'])
  const { role } = await h.room.ask(h.alice, { type: 'create-role', space: h.space, name: 'Gardeners', power: 5, permissions: [] })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, member: h.bob.space(h.space).me.identity, role })
  await h.room.pass(1000)
  expect(await texts(h, h.alice, 'from:gardeners full')).toEqual(['full of moonlight, then'])
  expect(await texts(h, h.bob, 'in:#shed')).toEqual(['ladder: https://ladders.test'])
  expect(await texts(h, h.bob, 'has:link')).toEqual(['ladder: https://ladders.test'])
  expect(await texts(h, h.bob, 'ladder', { space: h.space, channel: h.channel })).toEqual([])
  expect(await texts(h, h.bob, 'moon before:today')).toEqual([])
  expect(await search(h, h.bob, 'moon from:Nobody has:gold')).toMatchObject({ results: [], unclear: ['has:gold', 'Nobody'] })
})

test('a message that calls somebody is found by whom it calls', async () => {
  const h = await home()
  const bobs = h.bob.space(h.space).me.identity
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'Your turn', mentions: [bobs] })
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'Fire!', mentionEveryone: true })
  await h.room.pass(500)
  expect(await texts(h, h.bob, 'mentions:me')).toEqual(['Fire!', 'Your turn'])
  expect(await texts(h, h.alice, 'mentions:bob')).toEqual(['Your turn'])
  expect(await texts(h, h.alice, 'mentions:everyone')).toEqual(['Fire!'])
})

test('an edit is found by its new words only, at once; a deleted message by none, and its words leave the disk', async () => {
  const h = await home()
  const tree = await say(h, h.alice, 'Sunday under the sycamore')
  await say(h, h.alice, 'Bring xylophones')
  await h.room.ask(h.alice, { type: 'edit-message', space: h.space, message: tree, text: 'Sunday under the chestnut' })
  await h.room.pass(500)
  for (const person of [h.alice, h.bob]) {
    expect(await texts(h, person, 'sycamore')).toEqual([])
    expect(await texts(h, person, 'chestnut')).toEqual(['Sunday under the chestnut'])
    expect(await indexed(h, person)).toContain('xylophones')
  }
  const [found] = (await search(h, h.alice, 'xylo')).results
  await h.room.ask(h.alice, { type: 'delete-message', space: h.space, message: found?.message.id as OpId })
  await h.room.pass(3000)
  for (const person of [h.alice, h.bob]) {
    expect(await texts(h, person, 'xylo')).toEqual([])
    expect(await indexed(h, person)).not.toContain('xylophones')
  }
})

test('what does not count is not found: nobody hears through the search what somebody said after they were removed', async () => {
  const h = await home()
  await say(h, h.bob, 'Plums before')
  h.room.goesOffline(h.bob)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: h.bob.space(h.space).me.identity })
  const late = await say(h, h.bob, 'Plums after')
  await h.room.comesOnline(h.bob)
  await h.room.pass(5000)
  expect(await h.alice.disk.range(`places/${h.space}`, { limit: 10 }), 'it came, and is kept').toHaveLength(2)
  expect(h.alice.space(h.space).authority.state.members.size).toBe(1)
  expect((await search(h, h.alice, 'plums')).results.map((r) => r.message.text)).toEqual(['Plums before'])
  expect(await texts(h, h.alice, 'from:bob after')).toEqual([])
  expect(await texts(h, h.alice, 'from:bob plums'), 'and what they said before is found by their name').toEqual(['Plums before'])
  expect((await h.room.ask(h.alice, { type: 'list-hidden', space: h.space, channel: h.channel })).messages.map((m) => m.message.id)).toEqual([late])
})

test('signs that nobody is found by find nothing, rather than everything', async () => {
  const h = await home()
  await say(h, h.alice, 'Really?!')
  expect(await texts(h, h.bob, '?!')).toEqual([])
  expect(await texts(h, h.bob, '?! really')).toEqual(['Really?!'])
})

test('results come in pages, newest first, and the best first when asked for', async () => {
  const h = await home()
  await say(h, h.alice, 'tea, tea and more tea')
  for (let n = 1; n <= 5; n++) await say(h, h.alice, `tea number ${n} of the long list of all teas that we have ever had in this house`)
  const first = await search(h, h.bob, 'tea', { limit: 4 })
  expect(first).toMatchObject({ more: true })
  expect(first.results.map((r) => r.message.text.slice(0, 12))).toEqual([5, 4, 3, 2].map((n) => `tea number ${n}`))
  const second = await search(h, h.bob, 'tea', { limit: 4, before: first.results[3]?.message.id as OpId })
  expect(second).toMatchObject({ more: false })
  expect(second.results.map((r) => r.message.text.slice(0, 12))).toEqual(['tea number 1', 'tea, tea and'])
  expect((await texts(h, h.bob, 'tea', { order: 'best', limit: 1 }))).toEqual(['tea, tea and more tea'])
})

test('after a restart everything is found; an index that is damaged or gone is built again from the messages, and says so meanwhile', async () => {
  const h = await home()
  await say(h, h.bob, 'the ladder is in the shed')
  await say(h, h.bob, 'the key is under the pot')
  await h.room.pass(5000)
  await h.bob.restart()
  await h.room.pass(100)
  expect(await search(h, h.bob, 'ladder')).toMatchObject({ results: [{ message: { text: 'the ladder is in the shed' } }] })
  const [index, tail] = indexPartitions(h.space)
  for (const breaks of [
    () => h.bob.disk.save([{ type: 'drop', partition: index }, { type: 'drop', partition: tail }]),
    () => h.bob.disk.save([{ type: 'put', partition: tail, key: new Uint8Array(32), value: new Uint8Array([1, 200]) }]),
    // Segments in the form of an earlier version.
    () => h.bob.disk.save([{ type: 'put', partition: index, key: new Uint8Array(4), value: new Uint8Array([1, 0]) }]),
    // One that says how far it is in the form of an earlier version: it holds other words, or words in another way.
    () => h.bob.disk.save([{ type: 'put', partition: index, key: new Uint8Array([0, 0, 0, 0, 1]), value: new Uint8Array([2]) }]),
    () => h.bob.disk.save([{ type: 'put', partition: index, key: new Uint8Array([0, 0, 0, 0, 1]), value: new Uint8Array([3]) }]),
  ]) {
    await breaks()
    await h.bob.restart()
    await h.room.pass(100)
    expect(await search(h, h.bob, 'key')).toMatchObject({ results: [], since: Number.MAX_SAFE_INTEGER })
    await h.room.pass(10_000)
    const found = await search(h, h.bob, 'key')
    expect(found.results.map((r) => r.message.text)).toEqual(['the key is under the pot'])
    expect(found.since).toBeUndefined()
  }
})

test('what was said while building is found, too, and building goes on after a restart', async () => {
  const h = await home()
  for (let n = 0; n < 600; n++) await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: `leaf ${n} of the old tree` })
  await h.room.pass(5000)
  await h.alice.disk.save(indexPartitions(h.space).map((partition) => ({ type: 'drop', partition })))
  await h.alice.restart()
  await h.room.pass(2030)
  const early = await search(h, h.alice, '"old tree"', { limit: 1 })
  expect(early.since).toBeDefined()
  await say(h, h.alice, 'a new leaf')
  await h.alice.restart()
  await h.room.pass(10_000)
  expect((await search(h, h.alice, 'leaf', { limit: 1 })).since).toBeUndefined()
  expect((await texts(h, h.alice, 'leaf'))[0]).toBe('a new leaf')
  expect((await texts(h, h.alice, '"leaf 7 of"'))).toEqual(['leaf 7 of the old tree'])
}, 60_000)

/** Bob's disk has so many messages, each new, of one time and with the words of one that was said; some in a thread. */
async function atOnce(h: Home, ids: readonly number[], thread?: OpId, later = 0): Promise<OpId[]> {
  const [{ record } = { record: undefined }] = await history(h, 1)
  if (record === undefined) throw new Error('nothing was said')
  const records = ids.map((id) => ({ ...record, place: record.place + later, thread, id: id.toString(16).padStart(2, '0').repeat(32) as OpId }))
  await h.bob.disk.save(records.flatMap((one) => [
    { type: 'put', partition: rowsOf(h.space, h.channel, thread), key: rowKey(one), value: encodeMessage(one) },
    { type: 'put', partition: `places/${h.space}`, key: Uint8Array.from({ length: 32 }, () => parseInt(one.id.slice(0, 2), 16)), value: encodePlace(placeOf(h.channel, one)) },
  ] as const))
  return records.map(({ id }) => id)
}

/** Bob's index is made anew of what his disk holds, all of it in segments. */
async function indexAnew(h: Home): Promise<void> {
  await h.bob.disk.save(indexPartitions(h.space).map((partition) => ({ type: 'drop', partition })))
  await h.bob.restart()
  await h.room.pass(10_000)
}

/** Ids of what is found, page by page. */
async function allFound(h: Home, query: string, limit: number): Promise<OpId[]> {
  const out: OpId[] = []
  for (;;) {
    const { results, more } = await search(h, h.bob, query, { limit, ...(out.length === 0 ? {} : { before: out.at(-1) as OpId }) })
    out.push(...results.map((r) => r.message.id))
    if (!more) return out
  }
}

test('of messages of one time, in a thread or not, each is found once, whatever page it is on', async () => {
  const h = await home()
  const said = await say(h, h.alice, 'Water the beans')
  const ids = [...await atOnce(h, [7, 1, 250, 9, 130, 8, 2]), ...await atOnce(h, [5, 251, 6], said), said].sort().reverse()
  ids.unshift(...await atOnce(h, [90], said, 2), ...await atOnce(h, [91], said, 1))
  await indexAnew(h)
  for (const limit of [1, 3, 25]) expect(await allFound(h, 'beans', limit)).toEqual(ids)
})

test('a message that stood alone at its time when it was indexed is found beside any number of others', async () => {
  const h = await home()
  await say(h, h.alice, 'Water the beans')
  const [first] = await atOnce(h, [240])
  await h.bob.disk.save((await h.bob.disk.range(`messages/${h.space}/${h.channel}`, { limit: 1 })).map(({ key }) => ({ type: 'delete', partition: `messages/${h.space}/${h.channel}`, key })))
  await indexAnew(h)
  expect(await allFound(h, 'beans', 25)).toEqual([first])
  await atOnce(h, [1, 2, 3, 4, 5, 6])
  expect(await allFound(h, 'beans', 25)).toContain(first)
})

test('what a search has found is found once, also when the index is made anew under it', async () => {
  const h = await home()
  await say(h, h.alice, 'Water the beans')
  const ids = await atOnce(h, Array.from({ length: 200 }, (_, n) => n + 1))
  await indexAnew(h)
  const { disk } = h.bob, replica = h.bob.space(h.space), keeper = h.bob.engine.searching.keeper(replica)
  let turn: Turn = { now: h.room.now, out: new Out() }
  /** Goes through a reading; `look` hears what it asks. */
  const run = async <T>(reading: Reading<T>, look: (asked: readonly { readonly partition: string }[]) => Promise<void> = async () => {}): Promise<T> => {
    for (let step = reading.next([]); ;) {
      await disk.save(turn.out.saves)
      turn = { now: h.room.now, out: new Out() }
      if (step.done === true) return step.value
      await look(step.value)
      step = reading.next(await Promise.all(step.value.map(({ partition, query }) => disk.range(partition, query))))
    }
  }
  let read = 0
  const { hits } = await run(hunt(replica, keeper, () => turn, parseQuery('beans', h.room.now), { authors: undefined, channels: undefined, mentions: undefined }, 1000, undefined), async (asked) => {
    const before = read
    read += asked.filter(({ partition }) => partition.startsWith('messages/')).length
    if (before >= 40 || read < 40) return
    keeper.index.add(turn, { channel: h.channel, hlc: (await history(h, 1))[0]?.record.place ?? 0, inThread: false, id: ids.at(-1) ?? '', terms: new Map() })
    expect(await run(keeper.index.work(() => turn))).toBe('done')
  })
  const found = hits.map(({ seen }) => seen.record.id)
  expect(new Set(found).size).toBe(found.length)
  expect(found).toEqual(expect.arrayContaining(ids))
})

test('what comes in all the time does not put off the work on the index all the time', async () => {
  const h = await home()
  await say(h, h.alice, 'Water the beans')
  const rows = await h.bob.disk.range(`messages/${h.space}/${h.channel}`, { limit: 9 })
  const messages = rows.map(({ value }) => decodeMessage(value)).filter((record) => record !== undefined).map((record) => ({ channel: h.channel, record }))
  await h.bob.restart()
  await h.room.pass(100)
  const { searching } = h.bob.engine, due: number[] = []
  for (let n = 0; n < 4; n++) {
    const out = new Out()
    searching.noteNew({ now: h.room.now + n * 5, out }, h.bob.space(h.space), messages)
    due.push(...out.wakes.filter(({ tag }) => tag.startsWith('index|')).map(({ at }) => at - h.room.now))
  }
  expect(due).toEqual([INDEX_PAUSE_MS])
})

/** So many messages, each new, with the words of one that was said. */
async function history(h: Home, count: number, from = 0): Promise<Located[]> {
  const [row] = await h.bob.disk.range(`messages/${h.space}/${h.channel}`, { limit: 1 }), record = row && decodeMessage(row.value)
  if (record === undefined) throw new Error('nothing was said')
  return Array.from({ length: count }, (_, n) => ({ channel: h.channel, record: { ...record, place: record.place + from + n, id: (from + n).toString(16).padStart(64, '0') as OpId } }))
}

test('rows of a question, however many, come in one step', async () => {
  const h = await home()
  for (let n = 0; n < 12; n++) await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: `Water the beans ${n}` })
  await h.room.pass(3000)
  const steps: string[] = [], step = h.bob.engine.step.bind(h.bob.engine)
  const found = (): Promise<string[]> => texts(h, h.bob, 'beans')
  await found()
  h.bob.engine.step = (input, now) => { steps.push(input.type); return step(input, now) }
  expect(await found()).toHaveLength(12)
  expect(steps).toEqual(['command', 'answers'])
})

test('a history that comes in before the index was read has it read at once', async () => {
  const h = await home()
  await say(h, h.alice, 'Water the beans')
  await h.bob.restart()
  await h.room.pass(100)
  const asked = (messages: readonly Located[]): string[] => {
    const out = new Out()
    h.bob.engine.searching.noteNew({ now: h.room.now, out }, h.bob.space(h.space), messages)
    return out.reads.flatMap((read) => ('ranges' in read ? read.ranges.map(({ partition }) => partition) : []))
  }
  const messages = await history(h, 300)
  expect(asked(messages.slice(0, 2))).toEqual([])
  expect(asked(messages)).toContain(`search/${h.space}`)
  expect(asked(messages), 'it is being read').toEqual([])
})

test('of a history that comes in, what work leaves for later waits until no more has come in for a while', async () => {
  const h = await home()
  await say(h, h.alice, 'Water the beans')
  await h.room.pass(5000)
  const { searching, questions } = h.bob.engine, space = h.bob.space(h.space)
  let wakes: number[] = []
  /** Whatever is asked is answered, at this time. */
  const step = async (now: number, begin: (turn: Turn) => unknown): Promise<void> => {
    const out = new Out()
    await begin({ now, out })
    await h.bob.disk.save(out.saves)
    for (const wake of out.wakes) if (wake.tag.startsWith('index|')) wakes.push(wake.at - now); else await step(now, (turn) => questions.goOn(turn, wake.tag.slice(6)))
    for (const read of out.reads) { const input = await readFrom(h.bob.disk, read); if (input.type === 'answers') await step(now, (turn) => questions.onAnswers(turn, input.tag, input.answers)) }
  }
  for (let n = 0; n < 54; n++) {
    const messages = await history(h, 310, 310 * n)
    await step(1e12, (turn) => { searching.noteNew(turn, space, messages) })
  }
  expect(wakes.at(-1)).toBe(INDEX_PAUSE_MS)
  wakes = []
  await step(1e12, (turn) => searching.work(turn, space))
  expect(wakes, 'there may be more').toEqual([INDEX_REST_MS])
  wakes = []
  await step(1e12 + INDEX_REST_MS, (turn) => searching.work(turn, space))
  expect(wakes, 'nothing more came').toEqual([INDEX_PAUSE_MS])
})
