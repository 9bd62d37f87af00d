/** Whose an input is: whoever sends too many of them, or one that breaks a step, is not listened to for a while. */
import type { MailboxEvent, NetworkEvent } from '../ports.ts'
import type { Input } from './input.ts'

/** Who can be muted for an input: a peer, a gossip topic or a relay's topic. */
export function senderOf(event: NetworkEvent | MailboxEvent): string | undefined {
  switch (event.type) {
    case 'frame': case 'peer-up': case 'peer-down': case 'peer-path': return `peer ${event.peer}`
    case 'gossip': return `gossip ${event.topic}`
    case 'parcels': case 'announced': case 'found': case 'compared': return `${event.relay} ${event.topic}`
    default: return undefined
  }
}

/** Bytes that it takes to keep it waiting. */
export function sizeOf(event: NetworkEvent | MailboxEvent): number {
  switch (event.type) {
    case 'frame': case 'gossip': case 'announced': return event.bytes.length
    case 'parcels': case 'found': return event.parcels.reduce((sum, parcel) => sum + parcel.bytes.length, 0)
    default: return 0
  }
}

/** These say something about the world, not about a session with the engine that was dropped. */
export const OUTLIVES_ENGINE: ReadonlySet<Input['type']> = new Set(['posted', 'refused', 'rolled-back'])
