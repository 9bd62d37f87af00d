/** What Alice sees of a channel, in whatever order the engine's answers and news come. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MessageInfo } from '../api.ts'
import {
  accepted, EMPTY_VIEW, merge, pendingKey, putAway, refused, seen, withChange, withMissed, withoutPending, withPage, withPending, withUnread, type ChannelView,
} from './channel-view.ts'
import { fromAlice, fromBob, NOON, opId, pageOf } from './messages.test-support.ts'

const texts = (view: ChannelView): string[] => [...view.messages.map((m) => m.text), ...view.pending.map((p) => `${p.text}…`)]
const loaded = (...messages: readonly MessageInfo[]): ChannelView => withPage(EMPTY_VIEW, pageOf(messages), 0)

describe('order', () => {
  test('messages stand by their order, ties by id, whatever order they came in', () => {
    const all = [fromBob('a', 1), fromBob('b', 2), fromAlice('c', 2), fromBob('d', 3)]
    fc.assert(fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.nat(all.length), (news, cut) => {
      const view = merge(merge(EMPTY_VIEW, news.slice(0, cut)), news.slice(cut))
      expect(texts(view)).toEqual(['a', 'b', 'c', 'd'])
    }))
  })

  test('a message that comes again changed stays where it is, once', () => {
    const view = merge(loaded(fromBob('a', 1), fromBob('b', 2)), [fromBob('a', 1, { text: 'a, mended' })])
    expect(texts(view)).toEqual(['a, mended', 'b'])
  })
})

describe('an own message', () => {
  const pending = { key: 7, text: 'tea?', at: NOON + 60_000 }

  test('is one row from Enter on, under one key, whether the answer or the row comes first', () => {
    const sent = withPending(loaded(), pending)
    expect(texts(sent)).toEqual(['tea?…'])
    const row = fromAlice('tea?', 1)
    const answerFirst = merge(accepted(sent, 7, row.id), [row])
    const rowFirst = accepted(merge(sent, [row]), 7, row.id)
    for (const view of [answerFirst, rowFirst]) {
      expect(texts(view)).toEqual(['tea?'])
      expect(view.keys.get(row.id)).toBe(pendingKey(7))
    }
  })

  test('said twice are two rows', () => {
    const sent = withPending(withPending(loaded(), pending), { ...pending, key: 8 })
    const once = merge(sent, [fromAlice('tea?', 1)])
    expect(texts(once)).toEqual(['tea?', 'tea?…'])
    expect(texts(merge(once, [fromAlice('tea?', 2, { id: opId('again') })]))).toEqual(['tea?', 'tea?'])
  })

  test('from before is not taken for the one on its way', () => {
    expect(texts(merge(withPending(loaded(), pending), [fromAlice('tea?', 0)]))).toEqual(['tea?', 'tea?…'])
  })

  test('keeps its key when it is sealed and gets its lasting id', () => {
    const securing = fromAlice('tea?', 1, { id: opId('draft'), state: { type: 'securing' } })
    const view = merge(accepted(merge(withPending(loaded(), pending), [securing]), 7, securing.id), [fromAlice('tea?', 1, { replaces: securing.id })])
    expect(texts(view)).toEqual(['tea?'])
    expect([...view.keys]).toEqual([[opId('tea?'), pendingKey(7)]])
  })

  test('that is refused stays, with the reason, until it is discarded', () => {
    const view = refused(withPending(loaded(), pending), 7, 'The disk is full.')
    expect(view.pending).toMatchObject([{ text: 'tea?', refusal: 'The disk is full.' }])
    // The same words said by another way don't make it disappear.
    expect(texts(merge(view, [fromAlice('tea?', 2)]))).toEqual(['tea?', 'tea?…'])
    expect(texts(withoutPending(view, 7))).toEqual([])
  })
})

describe('the engine’s window', () => {
  const page = (from: number, to: number): MessageInfo[] => Array.from({ length: to - from }, (_, i) => fromBob(`m${from + i}`, from + i))
  const rows = (...messages: readonly MessageInfo[]) => messages.map((message) => ({ message, at: 0 }))

  test('is what is shown: what was there before and isn’t in it leaves, and what is on its way stays', () => {
    const view = withPage(withPending(withPage(EMPTY_VIEW, pageOf(page(0, 10)), 0), { key: 1, text: 'hm', at: NOON }), pageOf(page(40, 43), true, true), 0)
    expect(texts(view)).toEqual(['m40', 'm41', 'm42', 'hm…'])
    expect([view.older, view.newer, view.state]).toEqual(['some', 'some', 'ready'])
  })

  test('is told to change: what is new takes its place, what is gone leaves, and the ends move', () => {
    const view = withChange(withPage(EMPTY_VIEW, pageOf(page(10, 13), true), 0), { gone: [opId('m11')], rows: rows(fromBob('m9', 9), fromBob('m12', 12, { text: 'mended' }), fromBob('m13', 13)), more: false, newer: true })
    expect(texts(view)).toEqual(['m9', 'm10', 'mended', 'm13'])
    expect([view.older, view.newer]).toEqual(['none', 'some'])
  })

  test('of a channel that is left stays as it is told; one far back is let go', () => {
    const end = withPage(EMPTY_VIEW, pageOf(page(0, 3), true), 2), far = withPage(withPending(EMPTY_VIEW, { key: 1, text: 'hm', at: NOON }), pageOf(page(0, 3), true, true), 0)
    expect(putAway(end)).toEqual({ ...end, divider: undefined })
    expect(putAway(far)).toEqual({ ...EMPTY_VIEW, pending: far.pending })
    expect(withUnread(putAway(end), 1).divider?.at).toBe(opId('m2'))
  })
})

describe('the line above what is new', () => {
  test('stands above the first unread message of others', () => {
    const view = withPage(EMPTY_VIEW, pageOf([fromBob('a', 1), fromBob('b', 2), fromAlice('c', 3), fromBob('d', 4)]), 2)
    expect(view.divider).toEqual({ at: opId('b'), isSeen: false })
  })

  test('stands above all of them when more are unread than are loaded', () => {
    expect(withPage(EMPTY_VIEW, pageOf([fromAlice('a', 1), fromBob('b', 2)], true), 300).divider?.at).toBe(opId('b'))
  })

  const after = (view: ChannelView, ...news: readonly MessageInfo[]): ChannelView => withMissed(merge(view, news), view)

  test('does not move while it is unseen, and moves to what is missed afterwards', () => {
    const missed = after(loaded(fromBob('a', 1)), fromAlice('own', 2), fromBob('b', 3))
    expect(missed.divider?.at).toBe(opId('b'))
    expect(after(missed, fromBob('c', 4)).divider?.at).toBe(opId('b'))
    expect(after(seen(missed), fromBob('c', 4)).divider).toEqual({ at: opId('c'), isSeen: false })
    expect(after(loaded(), fromAlice('own', 1)).divider).toBeUndefined()
  })

  test('does not come for what is fetched, at either end', () => {
    expect(after(loaded(fromBob('b', 2)), fromBob('a', 1)).divider).toBeUndefined()
    expect(after({ ...loaded(fromBob('b', 2)), newer: 'loading' }, fromBob('c', 3)).divider).toBeUndefined()
  })

  test('goes when the person writes, and when the channel is left', () => {
    const view = after(loaded(), fromBob('a', 1))
    expect(withPending(view, { key: 1, text: 'hm', at: NOON }).divider).toBeUndefined()
    expect(putAway(view).divider).toBeUndefined()
  })
})

describe('Alice says the same thing five times', () => {
  const count = 5
  const ids = Array.from({ length: count }, (_, i) => opId(`op ${i}`))
  const sent = ids.reduce((view, _, i) => withPending(view, { key: i, text: 'again', at: NOON }), loaded())
  const answer = (view: ChannelView, i: number): ChannelView => accepted(view, i, ids[i] ?? opId(''))
  const row = (view: ChannelView, i: number): ChannelView => merge(view, [fromAlice('again', i, { id: ids[i] ?? opId('') })])

  test('answers and rows, each in their order: every row keeps its own place on the screen', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: count * 2, maxLength: count * 2 }), (turns) => {
      let [view, answers, rows] = [sent, 0, 0]
      for (const isAnswer of turns) view = rows === count || (isAnswer && answers < count) ? answer(view, answers++) : row(view, rows++)
      expect(view.pending).toEqual([])
      expect(ids.map((id) => view.keys.get(id))).toEqual(ids.map((_, i) => pendingKey(i)))
    }))
  })

  test('answers and rows in any order: nothing is lost or shown twice', () => {
    const order = fc.shuffledSubarray(Array.from({ length: count * 2 }, (_, i) => i), { minLength: count * 2 })
    fc.assert(fc.property(order, (steps) => {
      const view = steps.reduce((now, step) => (step < count ? answer(now, step) : row(now, step - count)), sent)
      expect(view.pending).toEqual([])
      expect(view.messages.map((m) => m.id)).toEqual(ids)
    }))
  })
})
