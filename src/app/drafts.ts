/**
 * What is begun and not sent, by channel and thread. Here while the page lives; the engine keeps it for later, sealed. It is told of one text at a time,
 * the next when the one before is on disk: so it has every letter as soon as the disk can, however fast somebody types, and a page that goes takes no words along.
 */
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'

export interface Spot { readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId }

interface Keeper {
  /** Whether it is on disk now. */
  keep(spot: Spot, text: string): Promise<boolean>
  fetch(spot: Spot): Promise<string>
}

const placeOf = ({ channel, thread }: Spot): ChannelId | OpId => thread ?? channel

export class Drafts {
  private readonly texts = new Map<ChannelId | OpId, string>()
  private readonly unkept = new Map<ChannelId | OpId, Spot>()
  private isKeeping = false
  private readonly keeper: Keeper

  constructor(keeper: Keeper) { this.keeper = keeper }

  /** undefined: nothing was written here since the page opened, so the engine has to be asked. */
  known(spot: Spot): string | undefined { return this.texts.get(placeOf(spot)) }

  /** What the engine has kept, unless the person has begun something meanwhile. */
  async fetch(spot: Spot): Promise<string> {
    const place = placeOf(spot), kept = await this.keeper.fetch(spot)
    if (!this.texts.has(place)) this.texts.set(place, kept)
    return this.texts.get(place) ?? ''
  }

  change(spot: Spot, text: string): void {
    const place = placeOf(spot)
    if (text === (this.texts.get(place) ?? '')) return
    this.texts.set(place, text)
    this.unkept.set(place, spot)
    if (!this.isKeeping) void this.keepOn()
  }

  /** The disk was locked: the engine has what was written. */
  forget(): void {
    this.texts.clear()
    this.unkept.clear()
  }

  /** The page may be about to go: there is no time to wait for what is being kept. */
  flush(): void {
    for (const [place, spot] of this.unkept) void this.keeper.keep(spot, this.texts.get(place) ?? '')
    this.unkept.clear()
  }

  private async keepOn(): Promise<void> {
    this.isKeeping = true
    for (;;) {
      const [next] = this.unkept
      if (next === undefined) break
      const [place, spot] = next
      this.unkept.delete(place)
      if (await this.keeper.keep(spot, this.texts.get(place) ?? '')) continue
      // The engine can't now: it is told with the next letter, or when the page goes.
      if (this.texts.has(place) && !this.unkept.has(place)) this.unkept.set(place, spot)
      break
    }
    this.isKeeping = false
  }
}
