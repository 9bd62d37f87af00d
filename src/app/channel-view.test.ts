/** What Alice sees of a channel, in whatever order the engine's answers and news come. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MessageInfo } from '../api.ts'
import {
  accepted, EMPTY_VIEW, merge, pendingKey, putAway, refused, seen, withMissed, withNewer, withNewest, withNews, withOlder, withoutPending, withPending, withStates, withWindow, type ChannelView,
} from './channel-view.ts'
import { fromAlice, fromBob, NOON, opId } from './messages.test-support.ts'

const texts = (view: ChannelView): string[] => [...view.messages.map((m) => m.text), ...view.pending.map((p) => `${p.text}…`)]
const loaded = (...messages: readonly MessageInfo[]): ChannelView => withNewest(EMPTY_VIEW, messages, false, 0)

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

  test('shows what became of it', () => {
    const view = withStates(loaded(fromAlice('a', 1), fromAlice('b', 2)), [{ id: opId('b'), state: { type: 'delivered', to: 1, of: 2 } }])
    expect(view.messages.map((m) => m.state.type)).toEqual(['queued', 'delivered'])
  })
})

describe('pages', () => {
  const page = (from: number, to: number): MessageInfo[] => Array.from({ length: to - from }, (_, i) => fromBob(`m${from + i}`, from + i))

  test('the newest join what is shown, where they meet it', () => {
    const view = withNewest(withNewest(EMPTY_VIEW, page(10, 20), true, 0), page(15, 25), true, 0)
    expect(view.messages).toHaveLength(15)
    expect(view.older).toBe('some')
  })

  test('what lies beyond a gap goes: nothing may look as if it followed', () => {
    const view = withNewest(withNewest(EMPTY_VIEW, page(0, 10), false, 0), page(50, 60), true, 0)
    expect(texts(view)).toEqual(page(50, 60).map((m) => m.text))
    expect(view.older).toBe('some')
  })

  test('news from before the first that is loaded wait for their page, except where nothing older is left', () => {
    const view = withNewest(EMPTY_VIEW, page(10, 20), true, 0)
    expect(withNews(view, [fromBob('late', 3)]).messages).toHaveLength(10)
    expect(texts(withNews({ ...view, older: 'none' }, [fromBob('late', 3)]))[0]).toBe('late')
    expect(texts(withNews(view, [fromBob('late', 12)])).slice(2, 4)).toEqual(['late', 'm12'])
  })

  test('older ones go in front, and the last page is the beginning', () => {
    const view = withOlder(withNewest(EMPTY_VIEW, page(10, 20), true, 0), page(0, 10), false)
    expect(texts(view)).toEqual(page(0, 20).map((m) => m.text))
    expect(view.older).toBe('none')
  })

  test('a message far back comes with those around it, and what newly comes waits at the end', () => {
    const far = withWindow(withNewest(EMPTY_VIEW, page(90, 100), true, 0), page(40, 50), true, true)
    expect([far.messages.length, far.older, far.newer]).toEqual([10, 'some', 'some'])
    expect(withNews(far, [fromBob('now', 100)]).messages).toHaveLength(10)
    expect(texts(withNewest(far, page(91, 101), true, 0))).toEqual(page(91, 101).map((m) => m.text))
    expect(putAway(far)).toEqual({ ...EMPTY_VIEW, pending: [] })
  })

  test('whatever is fetched and whatever comes, no gap looks as if it were none', () => {
    const size = 12
    const step = fc.tuple(fc.constantFrom('newest', 'older', 'newer', 'around', 'say'), fc.nat(1000))
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const all = page(0, 40)
      let view = EMPTY_VIEW
      const at = (m: MessageInfo | undefined): number => all.findIndex((other) => other.id === m?.id)
      for (const [what, n] of steps) {
        const first = at(view.messages[0]), last = at(view.messages.at(-1))
        if (what === 'say') { const said = fromBob(`m${all.length}`, all.length); all.push(said); view = view.state === 'ready' ? withNews(view, [said]) : view }
        else if (what === 'newest') view = withNewest(view, all.slice(-size), all.length > size, 0)
        else if (what === 'older' && first > 0) view = withOlder(view, all.slice(Math.max(0, first - size), first), first > size)
        else if (what === 'newer' && view.newer === 'some') view = withNewer(view, all.slice(last + 1, last + 1 + size), last + 1 + size < all.length)
        else if (what === 'around') { const from = Math.max(0, (n % all.length) - size / 2); view = withWindow(view, all.slice(from, from + size), from > 0, from + size < all.length) }
        const shown = view.messages
        if (shown.length === 0) continue
        expect(shown.map((m) => m.id)).toEqual(all.slice(at(shown[0]), at(shown.at(-1)) + 1).map((m) => m.id))
        expect([view.older === 'none', view.newer === 'none']).toEqual([at(shown[0]) === 0, at(shown.at(-1)) === all.length - 1])
      }
    }))
  })

  test('a channel that is left keeps its newest, and knows that there are more', () => {
    const view = putAway(withOlder(withNewest(EMPTY_VIEW, page(200, 260), true, 0), page(0, 200), false))
    expect(view.messages).toHaveLength(200)
    expect(view.messages[0]?.text).toBe('m60')
    expect(view.older).toBe('some')
    expect(putAway({ ...loaded(fromBob('a', 1)), older: 'loading' }).older).toBe('some')
  })
})

describe('the line above what is new', () => {
  test('stands above the first unread message of others', () => {
    const view = withNewest(EMPTY_VIEW, [fromBob('a', 1), fromBob('b', 2), fromAlice('c', 3), fromBob('d', 4)], false, 2)
    expect(view.divider).toEqual({ at: opId('b'), isSeen: false })
  })

  test('stands above all of them when more are unread than are loaded', () => {
    expect(withNewest(EMPTY_VIEW, [fromAlice('a', 1), fromBob('b', 2)], true, 300).divider?.at).toBe(opId('b'))
  })

  test('does not move while it is unseen, and moves to what is missed afterwards', () => {
    const missed = withMissed(loaded(fromBob('a', 1)), [fromAlice('own', 2), fromBob('b', 3)])
    expect(missed.divider?.at).toBe(opId('b'))
    expect(withMissed(missed, [fromBob('c', 4)]).divider?.at).toBe(opId('b'))
    expect(withMissed(seen(missed), [fromBob('c', 4)]).divider).toEqual({ at: opId('c'), isSeen: false })
    expect(withMissed(loaded(), [fromAlice('own', 1)]).divider).toBeUndefined()
  })

  test('goes when the person writes, and when the channel is left', () => {
    const view = withMissed(loaded(), [fromBob('a', 1)])
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
