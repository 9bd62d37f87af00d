/**
 * What this person says of themself beside the name: a line, an emoji and a colour, the same in every space. Each space has it as registers of its own (`about` ops, A21);
 * a space that is joined later gets what the others have. Until there is a space, it lies in a row of this device.
 */
import type { Profile } from '../api.ts'
import { type BodyOf, encodeAuthorityBody } from '../wire/authority.ts'
import { decodeProfile, encodeProfile } from '../wire/records.ts'
import type { SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import type { Replica } from './replica.ts'
import type { About } from './space/state.ts'
import type { Turn } from './turn.ts'

export const PROFILE_KEY = Uint8Array.of(3)
const NOTHING: Profile = { about: '', emoji: '', colour: 0 }

export const profileOf = (about: About | undefined): Profile => ({ about: about?.text ?? '', emoji: about?.emoji ?? '', colour: about?.colour ?? 0 })

export class Profiles {
  private readonly engine: Engine
  private kept: Profile | undefined
  /** What the client was told last. */
  private told = ''
  /** What each space was told by itself. Where it doesn't count, because this device is frozen there, it isn't said again with each step. */
  private readonly said = new Map<SpaceId, string>()

  constructor(engine: Engine) { this.engine = engine }

  load(row: Uint8Array | undefined): void { this.kept = row === undefined ? undefined : decodeProfile(row) }

  /** As a space has it; they all come to have the same. */
  mine(): Profile {
    for (const replica of this.engine.replicas.values()) {
      const about = mineIn(replica)
      if (about !== undefined && hasSpoken(about)) return profileOf(about)
    }
    return this.kept ?? NOTHING
  }

  async change(turn: Turn, part: Partial<Profile>): Promise<void> {
    const next = { ...this.mine(), ...part }
    this.kept = next
    turn.out.put('me', PROFILE_KEY, encodeProfile(next))
    for (const replica of this.engine.replicas.values()) await this.say(turn, replica, next)
    this.engine.telling.me(turn)
  }

  /** After each step in a space: whether it lacks what the others have, and whether it says something new of this person. */
  async look(turn: Turn, replica: Replica): Promise<void> {
    const about = mineIn(replica), mine = this.mine(), now = JSON.stringify(mine)
    if (about !== undefined && !hasSpoken(about) && this.said.get(replica.id) !== now && this.engine.succession.isSure(replica, turn.now)) {
      this.said.set(replica.id, now)
      await this.say(turn, replica, mine)
    }
    if (now === this.told) return
    this.told = now
    this.engine.telling.me(turn)
  }

  /** Only what is otherwise there: another device may be changing the rest. */
  private async say(turn: Turn, replica: Replica, next: Profile): Promise<void> {
    const about = mineIn(replica)
    if (about === undefined || !replica.isMember()) return
    const now = profileOf(about)
    const body: BodyOf<'about'> = {
      type: 'about', text: next.about === now.about ? undefined : next.about, emoji: next.emoji === now.emoji ? undefined : next.emoji, colour: next.colour === now.colour ? undefined : next.colour,
    }
    if (body.text === undefined && body.emoji === undefined && body.colour === undefined) return
    await this.engine.distribute(turn, replica, [await replica.append(turn, 'about', encodeAuthorityBody(body))])
  }
}

const mineIn = (replica: Replica): About | undefined => (replica.state() === 'member' ? replica.authority.state.members.get(replica.me.identity)?.about : undefined)
const hasSpoken = ({ text, emoji, colour }: About): boolean => text !== undefined || emoji !== undefined || colour !== undefined
