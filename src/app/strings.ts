/** Every word the app shows, in one place, so that other languages can follow. Sentences about refusals come from the engine with the refusal. */
import type { ChannelInfo, InviteInfo, PeerStatus, RelayStatus, SendState, SpaceInfo, StatusInfo } from '../api.ts'
import type { HistoryPolicy, RoleInfo } from '../api/authority.ts'
import type { OFFERED } from './parts/grants.ts'
import type { MemberAction } from './parts/member-actions.ts'
import type { Action } from './parts/message-actions.ts'
import type { UnsavedState } from './parts/rows.ts'
import { CONVERSATIONS } from './words/conversations.ts'

/** The language of the words below. Dates and numbers are written in it too, the way the person's region does. */
const LANGUAGE = 'en'
const LOCALE = navigator.languages.find((tag) => tag === LANGUAGE || tag.startsWith(`${LANGUAGE}-`)) ?? LANGUAGE
/** Twelve hours or twenty-four is a habit of the region, not of the language. */
const { hourCycle = 'h23' } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions()

/** 09:05, but 9:05 AM. */
const HOUR = hourCycle === 'h12' || hourCycle === 'h11' ? 'numeric' : '2-digit'
// Making a format takes longer than using it, and every row has one.
const TIME = new Intl.DateTimeFormat(LOCALE, { hour: HOUR, minute: '2-digit', hourCycle })
const FULL_TIME = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: HOUR, minute: '2-digit', hourCycle })
const SHORT_DATE = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour: HOUR, minute: '2-digit', hourCycle })
const DAY = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long' })
const DAY_OF_YEAR = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'long', year: 'numeric' })
const DAYS_AGO = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' })
const LIST = new Intl.ListFormat(LOCALE, { type: 'conjunction' })
const NUMBER = new Intl.NumberFormat(LOCALE)
const PLURAL = new Intl.PluralRules(LOCALE)

/** What Ctrl is called on this keyboard. */
const CTRL = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

const number = (n: number): string => NUMBER.format(n)
const counted = (n: number, one: string, other: string): string => `${number(n)} ${PLURAL.select(n) === 'one' ? one : other}`
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
/** 1.4 MB. */
function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(n) / 3))
  return new Intl.NumberFormat(LOCALE, { style: 'unit', unit: UNITS[step] ?? 'byte', maximumFractionDigits: step < 2 ? 0 : 1 }).format(n / 1000 ** step)
}
const unit = (n: number, name: 'minute' | 'hour' | 'day'): string => new Intl.NumberFormat(LOCALE, { style: 'unit', unit: name, unitDisplay: 'long' }).format(n)

export const time = (at: number): string => TIME.format(at)
/** As short as it gets, for narrow places: what stands around it says which half of the day. */
export const shortTime = (at: number): string => TIME.formatToParts(at).filter((part) => part.type !== 'dayPeriod').map((part) => part.value).join('').trim()
export const fullTime = (at: number): string => FULL_TIME.format(at)

/** Alice, Bob and Carol. */
export const listed = (names: readonly string[]): string => LIST.format(names)

/** "for 30 days", "up to 50 MB", or both. */
export function keepsFor({ afterMs, maxBytes }: { readonly afterMs: number; readonly maxBytes: number }): string {
  const hours = afterMs / 3600_000
  const time = afterMs === 0 ? [] : [`for ${hours % 24 === 0 ? counted(hours / 24, 'day', 'days') : counted(Math.round(hours), 'hour', 'hours')}`]
  return [...time, ...(maxBytes === 0 ? [] : [`up to ${bytes(maxBytes)}`])].join(', ')
}

export const shortDate = (at: number): string => SHORT_DATE.format(at)

export function day(at: number, now: number): string {
  // From noon to noon: a day on which clocks change is not quite 24 hours long.
  const days = Math.round((new Date(now).setHours(12, 0, 0, 0) - new Date(at).setHours(12, 0, 0, 0)) / 86_400_000)
  if (days < 0 || days > 300) return DAY_OF_YEAR.format(at)
  if (days > 1) return DAY.format(at)
  const text = DAYS_AGO.format(-days, 'day')
  return text.charAt(0).toLocaleUpperCase(LOCALE) + text.slice(1)
}

export function sendState(state: SendState | UnsavedState): string {
  switch (state.type) {
    case 'received': return ''
    case 'saving': return 'Saving…'
    case 'securing': return 'Securing: waits for the group’s new key'
    case 'queued': return 'Queued on this device'
    case 'relay': return 'At the relay'
    case 'delivered':
      if (state.of === 1) return 'Delivered'
      return state.to === state.of ? `Delivered to all ${number(state.of)}` : `Delivered to ${number(state.to)} of ${number(state.of)}`
    case 'failed': return `Not sent: ${state.reason}`
    case 'refused': return `Not saved: ${state.reason}`
    default: return state satisfies never
  }
}

export type Connection = 'direct' | 'relayed' | 'relay' | 'offline'

export function connectionOf(status: StatusInfo, isOnline: boolean): Connection {
  if (status.peers.some((p) => p.path === 'direct')) return 'direct'
  if (status.peers.length > 0) return 'relayed'
  return isOnline && (status.relays.length === 0 || status.relays.some((r) => r.state === 'up')) ? 'relay' : 'offline'
}

const host = (url: string): string => url.replace(/^https?:\/\//, '')

/** What a space that is being joined waits for. */
export function joiningHint(relays: readonly string[], known: readonly RelayStatus[]): string {
  const isUp = relays.some((url) => known.some((r) => r.url === url && r.state === 'up'))
  if (isUp) return 'Its relay can be reached and is being asked for what you need. You can leave this page open, or come back later.'
  const names = relays.map(host).join(', ')
  return `Waiting for its relay${names === '' ? '' : ` (${names})`}, which can’t be reached right now. Thicket goes on trying, and opens the space as soon as it can.`
}

export const s = {
  ...CONVERSATIONS,
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
  next: 'Next',
  invitedTo: (space: string) => `You’re invited to ${space}`,
  invitedBy: (name: string) => (name === '' ? '' : `${name} made this link.`),
  nameFirst: 'All it takes is a name.',
  badLink: 'This link can’t be opened',
  cantJoin: (space: string) => `You can’t join ${space} with this link`,
  joining: 'Joining…',
  joiningHint: 'Fetching what is waiting for you at the relay. Nobody needs to be online.',
  joiningSlow: 'This takes longer than usual. You can go on: the space opens by itself as soon as you are in.',
  goOn: 'Continue in the background',
  expired: 'This invite link has expired. Ask for a new one.',
  notNow: 'Not now',
  stillJoining: (space: string) => `You are joining ${space || 'this space'}`,
  opening: 'Opening the space…',
  removed: 'You are no longer a member of this space. You can read what you have, but not write.',
  spaces: 'Spaces',
  channels: 'Channels',
  members: 'Members',
  memberCount: (n: number) => number(n),
  membersOnline: 'Members who are online',
  membersOffline: 'Members who are offline',
  online: 'Online',
  offline: 'Offline',
  you: 'you',
  owner: 'Owner',
  newChannel: 'New channel',
  channelName: 'Name of the channel',
  channelMenu: (name: string) => `Options of ${name}`,
  markRead: 'Mark as read',
  renameChannel: (name: string) => `Rename ${name}`,
  rename: 'Rename',
  renameSpace: 'Rename the space',
  spaceMenu: 'Space settings',
  leave: 'Leave the space',
  leaveSure: (name: string) => `Leave ${name}?`,
  leaveHint: 'You stop receiving its messages. To come back you need a new invite.',
  memberMenu: (name: string) => `What to do with ${name}`,
  memberActions: {
    'message': 'Write to them', 'roles': 'Roles', 'time-out': 'Give a time-out', 'end-time-out': 'End the time-out', 'hand-over': 'Hand over the space', 'remove': 'Remove', 'ban': 'Ban',
  } satisfies Record<MemberAction, string>,
  memberSure: {
    'remove': (name: string) => ({
      title: `Remove ${name} from this space?`, action: `Remove ${name}`,
      hint: 'They keep what they have already received, and can read nothing written from now on. The links they made or came by are taken back.',
    }),
    'ban': (name: string) => ({
      title: `Ban ${name} from this space?`, action: `Ban ${name}`,
      hint: 'They are removed, the links they made or came by are taken back, and no link lets them in again until the ban is lifted.',
    }),
    'hand-over': (name: string) => ({
      title: `Hand this space over to ${name}?`, action: 'Hand over',
      hint: 'They become its owner and may do everything. You stay a member with the roles you hold. Only they can give it back.',
    }),
  },
  timeOutFor: (name: string) => `A time-out for ${name}`,
  timeOutHint: 'Nothing they write counts until it is over. They can go on reading.',
  timeOutLasts: 'It lasts',
  timedOutUntil: (until: string) => `In a time-out until ${until}`,
  timedOut: (until: number) => `You are in a time-out until ${SHORT_DATE.format(until)}. You can read, but not write.`,
  mayNotSend: 'Your roles don’t let you write in this channel. Ask the owner, or someone who manages roles.',
  privateChannel: 'Private',
  privateHint: 'Only those you choose can read it, and see that it is there.',
  whoReads: 'Who reads it, besides you',
  aRole: 'role',
  nobodyElse: 'Nobody else is here yet. You can choose others later.',
  readers: 'Who reads it',
  readersOf: (channel: string) => `Who reads #${channel}`,
  readersHint: 'This holds for what is written from now on. What was written before stays with those who could read it then.',
  waitingForKeys: 'You may read this channel. It opens as soon as somebody who reads it is online and lets this device in.',
  privateName: (channel: string) => `${channel}, private`,
  audit: 'What was done here',
  nothingDone: 'Nothing yet.',
  wasUndone: (why: string) => `This was undone: ${why}.`,
  whyUndone: 'Why?',
  undoneMark: ' (undone)',
  showEarlier: 'Show earlier ones',
  roles: 'Roles',
  rolesOf: (name: string) => `Roles of ${name}`,
  noRoles: 'There are no roles yet.',
  newRole: 'New role',
  roleName: (role: RoleInfo) => (role.everyone ? 'Everyone' : role.name),
  roleNameLabel: 'Name of the role',
  roleAbove: 'This stands as high as you, or higher: only somebody above it can change it.',
  rolesNotYours: 'Managing roles takes a role that lets you. Ask the owner of the space.',
  heldBy: (n: number) => counted(n, 'member', 'members'),
  power: (n: number) => `power ${number(n)}`,
  powerLabel: 'Power',
  powerHint: 'One acts only on people and roles of less power than one’s own.',
  everyoneHint: 'All members hold this role.',
  permissionsLabel: 'What it lets people do',
  permissions: {
    invite: 'Invite people', channels: 'Manage channels', roles: 'Manage roles', kick: 'Remove people', ban: 'Ban people', timeout: 'Give time-outs',
    messages: 'Pin and delete what others write', space: 'Change the settings of the space', send: 'Write messages', react: 'React', thread: 'Begin threads', everyone: 'Call roles, and everyone at once',
  } satisfies Record<typeof OFFERED[number], string>,
  notYours: 'You can give only what you may do yourself.',
  back: 'Back',
  deleteRole: 'Delete the role',
  deleteRoleSure: 'Delete it for everyone?',
  relaysHint: 'Relays keep what was written, encrypted, for people who are away. Each of them is enough, and with two the space outlives the loss of one. Add a new one before you remove the old one: who is away looks for the change where they know.',
  addRelay: 'Address of another relay',
  add: 'Add',
  removeRelay: (url: string) => `Remove ${url}`,
  bans: 'Banned people',
  noBans: 'Nobody is banned.',
  bannedBy: (name: string, when: string) => `by ${name}, ${when}`,
  liftBan: 'Lift',
  liftBanOf: (name: string) => `Lift the ban of ${name}`,
  topic: 'Topic',
  topicHint: 'What this channel is for. Everybody sees it at the top.',
  deleteChannel: 'Delete the channel',
  deleteChannelSure: (name: string) => `Delete #${name}?`,
  deleteChannelHint: 'It goes for everyone, with all that was written there. It can’t be brought back.',
  invite: 'Invite',
  inviteTitle: (space: string) => `Invite people to ${space}`,
  inviteLink: 'Invite link',
  inviteHint: 'Whoever has this link can join, also while you are offline. Give it only to people you want here.',
  copy: 'Copy',
  copied: 'Copied',
  share: 'Share',
  making: 'Making a link…',
  expiresAfter: 'Expires after',
  spanOfMinutes: (n: number) => unit(n, 'minute'),
  hours: (n: number) => unit(n, 'hour'),
  days: (n: number) => unit(n, 'day'),
  maxUses: 'Can be used',
  times: (n: number) => (n === 1 ? 'once' : counted(n, 'time', 'times')),
  newLink: 'New link',
  inviteRole: 'They get the role',
  noRole: 'None',
  historyHint: {
    'all': 'They can read what was written here before.',
    'from-join': 'They can read what is written from their joining on.',
  } satisfies Record<HistoryPolicy, string>,
  links: 'Links of this space',
  linkUses: (invite: InviteInfo) => `${number(invite.used)} of ${number(invite.uses)} used`,
  linkUntil: (invite: InviteInfo) => `until ${SHORT_DATE.format(invite.expiresAt)}`,
  linkMadeBy: (name: string) => `by ${name}`,
  revoke: 'Take back',
  qr: 'The same as a QR code',
  message: (place: string) => `Message ${place}`,
  send: 'Send',
  typing: (names: readonly string[]): string => {
    const known = names.map((name) => (name === '' ? s.someone : name))
    if (known.length > 3) return 'Several people are typing…'
    return known.length === 0 ? '' : `${LIST.format(known)} ${known.length === 1 ? 'is' : 'are'} typing…`
  },
  completions: 'What you may mean',
  offered: (n: number) => `${counted(n, 'suggestion', 'suggestions')}: arrows choose, Enter takes`,
  charactersLeft: (n: number) => (n >= 0 ? counted(n, 'character left', 'characters left') : counted(-n, 'character too many', 'characters too many')),
  retry: 'Try again',
  actions: {
    react: 'Add a reaction', reply: 'Reply', thread: 'Open the thread', edit: 'Edit', copy: 'Copy the text', pin: 'Pin', unpin: 'Unpin', retry: 'Try again', discard: 'Discard', delete: 'Delete',
  } satisfies Record<Action, string>,
  messageMenu: 'What to do with this message',
  thread: 'Thread',
  backToChannel: (place: string) => `Back to ${place}`,
  threadEmpty: 'Nothing is written here yet.',
  messageInThread: 'Message in this thread',
  messagesInThread: 'Messages in this thread',
  repliesOf: (n: number, unread: number) => counted(n, 'message in its thread', 'messages in its thread') + (unread > 0 ? `, ${number(unread)} unread` : ''),
  editHint: 'Enter saves, Esc leaves it as it was',
  edited: '(edited)',
  deleted: 'This message was deleted.',
  deleteSure: 'Delete this message?',
  deleteHint: 'It goes for everyone, also for those who come later. What somebody has copied stays with them.',
  replyTo: 'In reply to',
  replyUnknown: 'A message that isn’t here',
  replyingTo: (name: string) => `Replying to ${name}`,
  cancelReply: 'Don’t reply to it',
  notHere: 'That message isn’t on this device.',
  cantCopy: 'The browser doesn’t let this page copy.',
  reactions: 'Reactions',
  reactWith: (emoji: string) => `React with ${emoji}`,
  reactedBy: (emoji: string, names: readonly string[]) => `${emoji} ${LIST.format(names)}`,
  pickEmoji: 'Emoji',
  usualEmoji: 'Often used',
  searchEmoji: 'Search emoji',
  pins: 'Pinned messages',
  pinned: 'Pinned',
  noPins: 'Nothing is pinned here.',
  noPinsHint: 'Whoever manages messages can pin what others should find again.',
  goToMessage: 'Go to this message',
  spoiler: 'Spoiler: show',
  newMessages: 'New messages',
  jump: (n: number) => (n === 0 ? 'Jump to the latest' : counted(n, 'new message', 'new messages')),
  loadingOlder: 'Loading older messages…',
  beginning: (space: Pick<SpaceInfo, 'kind' | 'name'> | undefined, channel: Pick<ChannelInfo, 'name'>): string =>
    (space?.kind === 'dm' ? `This is the beginning of your conversation with ${space.name}` : `This is the beginning of #${channel.name}`),
  noMessages: 'Nothing here yet. Write the first message.',
  aloneHint: 'You are the only one here so far.',
  inviteSomeone: 'Invite people',
  messages: (place: string) => `Messages in ${place}`,
  rowLabel: (row: { readonly authorName: string; readonly sentAt: number }) => `${row.authorName}, ${time(row.sentAt)}`,
  connection: { direct: 'Direct', relayed: 'Relayed', relay: 'Relay only', offline: 'Offline' } satisfies Record<Connection, string>,
  connectionHint: {
    direct: 'You are connected straight to others in this space.',
    relayed: 'Your messages travel through a relay, which can’t read them.',
    relay: 'Nobody else is connected. The relay keeps your messages for them, sealed.',
    offline: 'No relay and nobody else can be reached. What you write is kept here and sent later.',
  } satisfies Record<Connection, string>,
  connectionTitle: 'Connection',
  connectionLabel: (connection: Connection, queued: number): string => s.connection[connection] + (queued > 0 ? `, ${s.queued(queued)}` : ''),
  path: { direct: 'direct', relayed: 'through a relay' } satisfies Record<PeerStatus['path'], string>,
  queued: (n: number) => `${number(n)} queued`,
  offlineBanner: (n: number): string => (n === 0 ? 'Offline' : `Offline, ${s.queued(n)}`),
  peers: 'Connected people',
  nobodyConnected: 'Nobody right now.',
  relays: 'Relays',
  noRelays: 'None.',
  relayName: host,
  relayState: { up: 'reachable', down: 'not reachable' } satisfies Record<RelayStatus['state'], string>,
  someone: 'Someone',
  updateReady: 'A new version is ready.',
  reload: 'Reload',
  more: 'More',
  search: 'Search',
  searchHint: 'Words, "a phrase", from: in: has:',
  searchWhere: 'Where to search',
  searchEverywhere: 'All spaces',
  searchOrder: 'Order',
  searchFilters: 'What a search can ask for',
  searchResults: 'What was found',
  newestFirst: 'Newest first',
  bestFirst: 'Best first',
  filters: [
    { filter: 'from:', does: 'written by somebody, or by me' },
    { filter: 'in:', does: 'in a channel' },
    { filter: 'has:link', does: 'with a link; also has:code, has:reply' },
    { filter: 'before:', does: 'before a day, month or year, as 2026-11-21' },
    { filter: 'after:', does: 'after it' },
    { filter: 'during:today', does: 'on a day; also yesterday, 2026-11, 2026' },
  ],
  found: (n: number, more: boolean) => (more ? `The first ${counted(n, 'message', 'messages')}.` : `${counted(n, 'message', 'messages')}.`),
  searchUnclear: (parts: readonly string[]) => `Not understood: ${LIST.format(parts)}.`,
  searchSince: (since: number) => (since > Date.now() ? 'Still being indexed: try again in a moment.' : `Still being indexed: searched back to ${SHORT_DATE.format(since)}.`),
  placeIn: (channel: string, space: string) => `${channel} in ${space}`,
  quickSwitcher: 'Go to a space or channel',
  nothingFound: 'Nothing found.',
  shortcuts: 'Keyboard shortcuts',
  /** Keys that are pressed together, any of several such, and what they do. */
  shortcutList: [
    { keys: [[CTRL, 'K']], does: 'Go to a space or channel' },
    { keys: [[CTRL, 'F']], does: 'Search' },
    { keys: [['Alt', '↑'], ['Alt', '↓']], does: 'Previous or next channel' },
    { keys: [['Esc']], does: 'Close what is open, or mark as read and jump to the latest' },
    { keys: [['Enter']], does: 'Send' },
    { keys: [['Shift', 'Enter']], does: 'New line' },
    { keys: [['↑']], does: 'In an empty box: edit what you wrote last' },
    { keys: [['Shift', 'Tab']], does: 'From there to the messages; arrows walk through them' },
    { keys: [['Shift', 'F10']], does: 'On a message: what can be done with it' },
    { keys: [['R'], ['E']], does: 'On a message: reply, edit' },
    { keys: [['+'], ['Del']], does: 'On a message: react, delete' },
    { keys: [[CTRL, '/'], ['?']], does: 'These shortcuts' },
  ],
  settings: 'Settings',
  storage: 'Room on this device',
  storageUsed: (used: number, free: number) => `${bytes(used)} used by Thicket, ${bytes(free)} free`,
  storageKept: 'The browser keeps it until you remove it.',
  storageNotKept: 'The browser may clear it when it runs out of room. Others and the relay still have what they got.',
  storageRefused: 'The browser has not promised to keep it. It usually does for apps that are installed or often used.',
  storageKeep: 'Ask it to keep everything',
  locked: 'Thicket is locked',
  lock: 'Lock',
  lockHint: 'Ask for a passphrase when Thicket opens on this device.',
  lockIsOff: 'Everything is sealed on this device, but whoever can use this browser can open it. A passphrase changes that.',
  lockIsOn: 'Without the passphrase nothing on this device can be opened. It is not sent anywhere, and nobody can reset it.',
  passphrase: 'Passphrase',
  currentPassphrase: 'Current passphrase',
  newPassphrase: 'New passphrase',
  again: 'Once more',
  passphraseHint: 'At least 8 characters; longer is better: somebody who steals the device can try passphrases at leisure. If you forget it, the recovery code that comes next is the only way in on this device.',
  passphrasesDiffer: 'The two are not the same. Type the new one twice.',
  setLock: 'Set the passphrase',
  changePassphrase: 'Change it',
  removeLock: 'Remove the lock',
  recoveryCode: 'Recovery code',
  recoveryShown: 'Write this recovery code down and keep it away from this device:',
  recoveryWhy: 'It opens Thicket here if you forget the passphrase. It is shown this once. Without both, what is on this device is lost: you could join your spaces again by a new invite link, as a new person.',
  recoveryKept: 'I have written it down',
  recoveryHint: 'The code you wrote down when you set the passphrase. If it is gone as well, what is on this device stays closed; a new invite link lets you join again, in another browser profile.',
  done: 'Done',
  unlock: 'Unlock',
  unlocking: 'One moment…',
  unlockByPasskey: 'Use a passkey',
  addPasskey: 'Add a passkey',
  addAnotherPasskey: 'Add another passkey',
  passkeyFailed: 'The passkey could not be used. Not every device has one that can open a lock; the passphrase always works.',
  forgotten: 'Forgotten?',
  usePassphrase: 'Use the passphrase',
  waitSeconds: (n: number) => `Wait ${counted(n, 'second', 'seconds')} before the next try.`,
  lockAfter: 'Lock by itself',
  minutes: (n: number) => (n === 0 ? 'Only when I say so' : n % 60 === 0 ? `After ${unit(n / 60, 'hour')}` : `After ${counted(n, 'minute', 'minutes')} without me`),
  lockNow: 'Lock now, in all tabs',
  theme: 'Appearance',
  themes: { system: 'Like the system', dark: 'Dark', light: 'Light' },
  showChannels: 'Show spaces and channels',
  showMembers: 'Show members',
  yourPlace: 'You',
  count: (n: number) => (n > 99 ? `${number(99)}+` : number(n)),
  unreadIn: (name: string, { unread, mentions }: { readonly unread: number; readonly mentions: number }): string =>
    [name, ...(unread === 0 ? [] : [`${number(unread)} unread`]), ...(mentions === 0 ? [] : [counted(mentions, 'mention', 'mentions')])].join(', '),
  title: (mentions: number, unread: number, name: string): string => (mentions > 0 ? `(${s.count(mentions)}) ${name}` : unread > 0 ? `• ${name}` : name),
  dismiss: 'Dismiss',
}
