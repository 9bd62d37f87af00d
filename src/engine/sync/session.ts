/** What is known of a connection, and of each space that both its ends have. */
import type { Path } from '../../ports.ts'
import { toHex } from '../../wire/bytes.ts'
import type { ChannelDigest, Hello } from '../../wire/frame.ts'
import type { ChannelId, DeviceId, SpaceId } from '../../wire/ids.ts'
import { AskedTrees, Wants } from './comparing.ts'
import { Requests } from './conduct.ts'
import type { Answer } from './serving.ts'

/** One space with one peer, once the peer has proved who it is there. */
export interface Session {
  readonly space: SpaceId
  /** What our frames name the session by. The peer's may name it by any token that one of both has proved on this connection. */
  readonly token: Uint8Array
  readonly device: DeviceId
  readonly wants: Wants
  /** Channels of which the peer has not shown yet what it has; undefined: it has told nothing. */
  untold: Set<ChannelId> | undefined
  asking: boolean
  /** It was told anew what is here, and has not answered. */
  isComparing: boolean
  /** What the answer so far had that counts. */
  gained: number
  /** What it asked for. */
  answer: Answer | undefined
  /** Channels of which came what can't be opened here: asked for as it is. */
  readonly unopened: Set<ChannelId>
  /** It told of devices that are not known here so far. */
  hasUnnamed: boolean
  /** Devices whose fresh ops it asked for lately, having them by no other way. */
  readonly follows: Set<DeviceId>
}

export interface Peer {
  readonly id: string
  path: Path
  readonly sessions: Map<SpaceId, Session>
  /** Tokens (hex) we have sent a hello for, of which space, and what it told: a hello is answered once. */
  readonly greeted: Map<string, { readonly space: SpaceId; readonly told: readonly ChannelDigest[] | undefined }>
  /** Hellos that say nothing yet, the newest last: of spaces or by devices not known here so far. Looked at again when authority changes. */
  waiting: readonly Hello[]
  readonly requests: Requests
  readonly trees: AskedTrees
}

export const newPeer = (id: string, path: Path): Peer => ({ id, path, sessions: new Map(), greeted: new Map(), waiting: [], requests: new Requests(), trees: new AskedTrees() })
export const newSession = (space: SpaceId, token: Uint8Array, device: DeviceId): Session => ({
  space, token, device, wants: new Wants(device), untold: undefined, asking: false, isComparing: false, gained: 0, answer: undefined, unopened: new Set(), hasUnnamed: false, follows: new Set(),
})

/** By a token or its first bytes. */
export function sessionOf({ sessions, greeted }: Peer, token: Uint8Array): Session | undefined {
  const begin = toHex(token)
  for (const [known, { space }] of greeted) if (known.startsWith(begin)) return sessions.get(space)
  return [...sessions.values()].find((session) => toHex(session.token).startsWith(begin))
}
