/** Channels and threads as they are shown, or were a moment ago: each is a window that the engine keeps true, so whoever comes back to one finds it as it is now. */
import type { MessageInfo } from '../api/messages.ts'
import type { WatchedQuestion, WindowChange } from '../api/windows.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import { EMPTY_VIEW, putAway, withChange, withMissed, withPage, withUnread, type ChannelView } from './channel-view.ts'
import type { Windows } from './windows.ts'

/** What has messages in a line: a channel, or a thread in it, by the message that began it. */
export type Place = ChannelId | OpId
export interface Spot { readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId | undefined }
/** A message to be shown among those around it. Where it stands is known of those that were shown before, in whatever list. */
export type Sought = Pick<MessageInfo, 'id'> & Partial<Pick<MessageInfo, 'order'>>

/** Kept at hand. */
const MAX_VIEWS = 16
/** Messages fetched at a time; unread ones are fetched at once up to MAX_PAGE. */
const PAGE = 60
const MAX_PAGE = 200

interface Reader {
  readonly isOpen: (place: Place) => boolean
  /** Somebody looks at its end: what comes there is read. */
  readonly isWatched: (place: Place) => boolean
  readonly unread: (spot: Spot) => number
}

export const placeOf = ({ channel, thread }: Pick<Spot, 'channel' | 'thread'>): Place => thread ?? channel

export class Views {
  /** Those looked at last stand last. */
  private all = $state.raw<ReadonlyMap<Place, ChannelView>>(new Map())
  /** Of a channel, what was lost from the disk and is being fetched again. */
  missing = $state.raw<ReadonlyMap<ChannelId, number>>(new Map())
  private readonly windows: Windows
  private readonly reader: Reader

  constructor(windows: Windows, reader: Reader) {
    this.windows = windows
    this.reader = reader
  }

  of(place: Place | undefined): ChannelView { return (place && this.all.get(place)) || EMPTY_VIEW }
  has(place: Place): boolean { return this.all.has(place) }

  change(place: Place, edit: (view: ChannelView) => ChannelView): void {
    const view = this.all.get(place)
    if (view === undefined) return
    const next = edit(view)
    if (next !== view) this.all = new Map(this.all).set(place, next)
  }

  /** What is watched already is there at once. */
  async come(spot: Spot): Promise<void> {
    const place = placeOf(spot), view = this.all.get(place)
    if (view?.state !== 'ready' || !this.windows.has(place)) { await this.load(spot); return }
    this.all = new Map([...this.all].filter(([other]) => other !== place)).set(place, withUnread(view, this.reader.unread(spot)))
  }

  /** Watches the newest messages, or those around one. */
  async load(spot: Spot, around?: Sought): Promise<void> {
    const place = placeOf(spot)
    if (!this.all.has(place)) this.all = new Map(this.all).set(place, EMPTY_VIEW)
    for (const other of [...this.all.keys()].slice(0, -MAX_VIEWS)) this.without(other)
    let isFirst = true
    const question = (): WatchedQuestion => {
      const { messages, newer } = this.of(place)
      const middle = isFirst ? around : newer === 'none' ? undefined : messages[messages.length >> 1]
      const count = isFirst ? this.reader.unread(spot) + 10 : messages.length
      isFirst = false
      const { space, channel, thread } = spot
      return { type: 'get-messages', space, channel, ...(thread && { thread }), ...(middle ? { around: middle.id, ...(middle.order !== undefined && { order: middle.order }), limit: PAGE } : { limit: Math.max(PAGE, Math.min(MAX_PAGE, count)) }) }
    }
    await this.windows.watch(place, {
      question,
      page: (page) => {
        this.noteMissing(spot.channel, page)
        // What came meanwhile is in the page and in the count.
        this.change(place, (view) => withPage(view, page, around === undefined ? this.reader.unread(spot) : 0))
      },
      changed: (change) => {
        this.noteMissing(spot.channel, change)
        this.change(place, (view) => {
          const next = withChange(view, change)
          return this.reader.isOpen(place) && !this.reader.isWatched(place) ? withMissed(next, view) : next
        })
      },
    })
  }

  async grow(place: Place, to: 'older' | 'newer'): Promise<void> {
    if (this.of(place)[to] !== 'some') return
    this.change(place, (view) => ({ ...view, [to]: 'loading' }))
    await this.windows.grow(place, to, PAGE)
    // What came of it was told before; it may not have been possible.
    this.change(place, (view) => (view[to] === 'loading' ? { ...view, [to]: 'some' } : view))
  }

  leave(place: Place): void {
    this.change(place, putAway)
    if (this.of(place).state === 'loading') this.windows.close(place)
  }

  without(place: Place): void {
    if (this.reader.isOpen(place)) return
    this.all = new Map([...this.all].filter(([other]) => other !== place))
    this.windows.close(place)
  }

  forget(): void { this.all = new Map() }

  private noteMissing(channel: ChannelId, { missing = 0 }: Pick<WindowChange, 'missing'>): void {
    if ((this.missing.get(channel) ?? 0) !== missing) this.missing = new Map(this.missing).set(channel, missing)
  }
}
