/**
 * Channels that are likely to be opened next are fetched before: those with something unread, calls first, and whichever the pointer or the focus rests on. One after the
 * other, so that nobody who acts waits for them, and a few only: the oldest that nobody opened is let go.
 */
import type { ChannelInfo } from '../api.ts'
import type { ChannelId } from '../wire/ids.ts'

export const MAX_WARM = 8

/** What has something unread; a forum has a list of its own. */
export function likely(channels: readonly ChannelInfo[]): ChannelId[] {
  const unread = channels.filter((c) => c.kind === 'text' && c.unread + c.mentions > 0)
  return unread.sort((a, b) => b.mentions - a.mentions || b.unread - a.unread).slice(0, MAX_WARM).map((c) => c.channel)
}

interface Doing { readonly isHere: (channel: ChannelId) => boolean; readonly fetch: (channel: ChannelId) => Promise<void>; readonly forget: (channel: ChannelId) => void }

export class Warm {
  private readonly doing: Doing
  /** Fetched and not opened since, the oldest first. */
  private held: readonly ChannelId[] = []
  private last: Promise<void> = Promise.resolve()

  constructor(doing: Doing) { this.doing = doing }

  fetch(channel: ChannelId): void {
    if (this.doing.isHere(channel)) return
    this.last = this.last.then(async () => {
      if (this.doing.isHere(channel)) return
      await this.doing.fetch(channel)
      this.held = [...this.held, channel]
      while (this.held.length > MAX_WARM) this.letGo()
    })
  }

  private letGo(): void {
    const [oldest, ...others] = this.held
    this.held = others
    if (oldest !== undefined) this.doing.forget(oldest)
  }

  /** Somebody looks at it: it is kept as any other that was open. */
  opened(channel: ChannelId): void { this.held = this.held.filter((other) => other !== channel) }
}
