/**
 * What is begun and not sent, by channel. Here while the page lives; the engine keeps it for later, sealed. It is told shortly after the last letter,
 * and at once when nothing is left, so that what was sent doesn't come back as a draft.
 */
import type { ChannelId, SpaceId } from '../wire/ids.ts'

const PAUSE_MS = 400

interface Keeper {
  keep(space: SpaceId, channel: ChannelId, text: string): void
  fetch(space: SpaceId, channel: ChannelId): Promise<string>
}

export class Drafts {
  private readonly texts = new Map<ChannelId, string>()
  private readonly unkept = new Map<ChannelId, () => void>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly keeper: Keeper

  constructor(keeper: Keeper) { this.keeper = keeper }

  /** undefined: nothing was written here since the page opened, so the engine has to be asked. */
  known(channel: ChannelId): string | undefined { return this.texts.get(channel) }

  /** What the engine has kept, unless the person has begun something meanwhile. */
  async fetch(space: SpaceId, channel: ChannelId): Promise<string> {
    const kept = await this.keeper.fetch(space, channel)
    if (!this.texts.has(channel)) this.texts.set(channel, kept)
    return this.texts.get(channel) ?? ''
  }

  change(space: SpaceId, channel: ChannelId, text: string): void {
    if (text === (this.texts.get(channel) ?? '')) return
    this.texts.set(channel, text)
    this.unkept.set(channel, () => this.keeper.keep(space, channel, text))
    clearTimeout(this.timer)
    if (text === '') this.flush(); else this.timer = setTimeout(() => this.flush(), PAUSE_MS)
  }

  /** The disk was locked: the engine has what was written. */
  forget(): void {
    clearTimeout(this.timer)
    this.texts.clear()
    this.unkept.clear()
  }

  /** Now: the page may be about to go. */
  flush(): void {
    clearTimeout(this.timer)
    for (const keep of this.unkept.values()) keep()
    this.unkept.clear()
  }
}
