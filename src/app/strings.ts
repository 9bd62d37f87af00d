/** Every word the app shows, in one place, so that other languages can follow. Sentences about refusals come from the engine with the refusal. */
import type { MessageInfo, SendState, StatusInfo } from '../api.ts'

const locale = (): string => navigator.language
const plural = (n: number, one: string, other: string): string => (new Intl.PluralRules('en').select(n) === 'one' ? one : other)

export const time = (at: number): string => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(at)
export const fullTime = (at: number): string => new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'short' }).format(at)
export const shortDate = (at: number): string => new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(at)
export function day(at: number, now: number): string {
  const days = Math.round((new Date(now).setHours(12, 0, 0, 0) - new Date(at).setHours(12, 0, 0, 0)) / 86_400_000)
  if (days === 0 || days === 1) {
    const text = new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-days, 'day')
    return text.charAt(0).toUpperCase() + text.slice(1)
  }
  return new Intl.DateTimeFormat(locale(), { weekday: 'long', day: 'numeric', month: 'long', year: days > 300 ? 'numeric' : undefined }).format(at)
}

export function sendState(state: SendState): string {
  switch (state.type) {
    case 'received': return ''
    case 'securing': return 'Securing'
    case 'queued': return 'Queued on this device'
    case 'relay': return 'At the relay'
    case 'delivered': return state.to === state.of ? (state.of === 1 ? 'Delivered' : `Delivered to all ${state.of}`) : `Delivered to ${state.to} of ${state.of}`
    case 'failed': return `Not sent: ${state.reason}`
  }
}

export type Connection = 'direct' | 'relayed' | 'relay' | 'offline'

export function connectionOf(status: StatusInfo, isOnline: boolean): Connection {
  if (status.peers.some((p) => p.path === 'direct')) return 'direct'
  if (status.peers.length > 0) return 'relayed'
  return isOnline && (status.relays.length === 0 || status.relays.some((r) => r.state === 'up')) ? 'relay' : 'offline'
}

export const s = {
  app: 'Thicket',
  tagline: 'A home for your group that opens from a link.',
  promise: 'No account. End-to-end encrypted. Works offline.',
  yourName: 'Your name',
  yourNameHint: 'This is what others see. You can change it later.',
  start: 'Start',
  loading: 'Opening your spaces…',
  slowStart: 'This takes longer than usual. If another tab of Thicket is open, close it and reload this page.',
  noSpaces: 'You are not in a space yet',
  noSpacesHint: 'Make one for your group, or open the invite link somebody sent you.',
  createSpace: 'Create a space',
  spaceName: 'Name of the space',
  joinWithLink: 'Join with a link',
  pasteLink: 'Invite link',
  pasteLinkHint: 'Paste the link somebody sent you.',
  create: 'Create',
  cancel: 'Cancel',
  close: 'Close',
  save: 'Save',
  join: (space: string) => (space === '' ? 'Join' : `Join ${space}`),
  invitedTo: (space: string) => `You are invited to ${space}`,
  invitedBy: (name: string) => (name === '' ? '' : `${name} made this link.`),
  joining: 'Joining…',
  joiningHint: 'Fetching what is waiting for you at the relay. Nobody needs to be online.',
  expired: 'This invite link has expired. Ask for a new one.',
  joinAgain: 'Try again',
  notNow: 'Not now',
  stillJoining: (space: string) => `You are joining ${space || 'this space'}`,
  stillJoiningHint: 'Its relay can’t be reached right now. Thicket goes on trying, and opens the space as soon as it can.',
  removed: 'You are no longer a member of this space. You can read what you have, but not write.',
  spaces: 'Spaces',
  channels: 'Channels',
  members: 'Members',
  online: 'Online',
  offline: 'Offline',
  you: 'you',
  owner: 'Owner',
  newChannel: 'New channel',
  channelName: 'Name of the channel',
  renameChannel: (name: string) => `Rename ${name}`,
  rename: 'Rename',
  renameSpace: 'Rename the space',
  spaceMenu: 'Space settings',
  leave: 'Leave the space',
  leaveSure: (name: string) => `Leave ${name}?`,
  leaveHint: 'You stop receiving its messages. To come back you need a new invite.',
  remove: (name: string) => `Remove ${name}`,
  removeSure: (name: string) => `Remove ${name} from this space?`,
  removeHint: 'They keep what they have already received, and can read nothing written from now on.',
  invite: 'Invite',
  inviteTitle: (space: string) => `Invite people to ${space}`,
  inviteLink: 'Invite link',
  inviteHint: 'Whoever has this link can join, also while you are offline.',
  copy: 'Copy',
  copied: 'Copied',
  making: 'Making a link…',
  expiresAfter: 'Expires after',
  maxUses: 'Can be used',
  times: (n: number) => (n === 1 ? 'once' : `${n} times`),
  newLink: 'New link',
  links: 'Links of this space',
  linkUses: (used: number, uses: number) => `${used} of ${uses} used`,
  linkUntil: (at: number) => `until ${shortDate(at)}`,
  revoke: 'Take back',
  linkState: { live: 'Live', expired: 'Expired', 'used-up': 'Used up', revoked: 'Taken back' },
  qr: 'The same as a QR code',
  message: (channel: string) => `Message #${channel}`,
  send: 'Send',
  charactersLeft: (n: number) => (n >= 0 ? `${n} ${plural(n, 'character', 'characters')} left` : `${-n} too many`),
  retry: 'Try again',
  newMessages: 'New messages',
  jump: (n: number) => (n === 0 ? 'Jump to the latest' : `${n} new ${plural(n, 'message', 'messages')}`),
  loadingOlder: 'Loading older messages…',
  beginning: (channel: string) => `This is the beginning of #${channel}.`,
  noMessages: 'Nothing here yet. Write the first message.',
  sending: 'Saving…',
  messages: (channel: string) => `Messages in ${channel}`,
  rowLabel: (m: Pick<MessageInfo, 'authorName' | 'sentAt'>) => `${m.authorName}, ${time(m.sentAt)}`,
  connection: { direct: 'Direct', relayed: 'Relayed', relay: 'Relay', offline: 'Offline' } satisfies Record<Connection, string>,
  connectionHint: {
    direct: 'You are connected straight to others in this space.',
    relayed: 'Your messages travel through a relay, which can’t read them.',
    relay: 'Nobody else is connected. The relay keeps your messages for them, sealed.',
    offline: 'No relay and nobody else can be reached. What you write is kept here and sent later.',
  } satisfies Record<Connection, string>,
  queued: (n: number) => `${n} queued`,
  offlineBanner: (n: number) => (n === 0 ? 'Offline' : `Offline, ${n} queued`),
  peers: 'Connected people',
  nobodyConnected: 'Nobody right now.',
  relays: 'Relays',
  relayUp: 'reachable',
  relayDown: 'not reachable',
  someone: 'Someone',
  updateReady: 'A new version is ready.',
  reload: 'Reload',
  quickSwitcher: 'Go to a space or channel',
  nothingFound: 'Nothing found.',
  shortcuts: 'Keyboard shortcuts',
  shortcutList: [
    ['Ctrl K', 'Go to a space or channel'], ['Enter', 'Send'], ['Shift Enter', 'New line'], ['Esc', 'Close, or mark as read and jump to the latest'],
    ['Alt ↑ / Alt ↓', 'Previous or next channel'], ['Ctrl /', 'These shortcuts'],
  ] as const,
  settings: 'Settings',
  theme: 'Appearance',
  themes: { system: 'Like the system', dark: 'Dark', light: 'Light' },
  showChannels: 'Show spaces and channels',
  showMembers: 'Show members',
  yourPlace: 'You',
  count: (n: number) => (n > 99 ? '99+' : String(n)),
  unreadIn: (name: string, n: number) => (n === 0 ? name : `${name}, ${n} unread`),
  dismiss: 'Dismiss',
  notSaved: 'The message was not saved. It is back in the box below.',
}
