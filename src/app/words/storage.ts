/** Words about how long messages are kept, and about room on this device. */
import type { Keeps } from '../../api/authority.ts'
import { bytes, counted } from './formats.ts'

const daysOrHours = (ms: number): string => (ms % 86_400_000 === 0 ? counted(ms / 86_400_000, 'day', 'days') : counted(Math.round(ms / 3600_000), 'hour', 'hours'))

/** "for 30 days", "up to 50 MB", or both. */
export const keepsFor = ({ afterMs, maxBytes }: Keeps): string =>
  [...(afterMs === 0 ? [] : [`for ${daysOrHours(afterMs)}`]), ...(maxBytes === 0 ? [] : [`up to ${bytes(maxBytes)}`])].join(', ')

export const STORAGE = {
  emptied: 'This browser’s storage is empty, and it was not before',
  emptiedWhy: 'Somebody used Thicket here. The browser, or something else on this computer, has cleared what was kept: messages, spaces and keys are gone from this device. Others still have what they got.',
  emptiedNext: [
    'If you use Thicket on another device, link this one with it; if you wrote down your recovery phrase, enter it. You are yourself again, and your messages come back.',
    'If you have a backup of the browser’s profile, close the browser and put it back.',
    'If neither, choose a name and start anew, then open an invite link. To the others you are somebody new.',
  ],
  startAnew: 'Start anew',
  keeping: 'How long messages are kept',
  keepingIn: (channel: string) => `How long messages are kept in #${channel}`,
  deleteMessages: 'Delete messages',
  keepTime: (ms: number) => (ms === 0 ? 'Never' : `After ${daysOrHours(ms)}`),
  keepAsSpace: (keeps: Keeps) => `As everywhere in the space (${keeps.afterMs + keeps.maxBytes === 0 ? 'never' : `keep ${keepsFor(keeps)}`})`,
  keepAtMost: 'Keep at most',
  keepSize: (n: number) => (n === 0 ? 'No limit' : `${bytes(n)} of each channel`),
  keepSizeHint: 'When there is more, the oldest messages are deleted, as soon as somebody who reads the channel and manages channels is online.',
  keepHint: 'Older messages are deleted for everyone, on all their devices, with their replies and reactions. Pinned messages go too. Nobody can bring them back.',
  keepAllHint: 'All messages are kept.',
  keepGrace: 'This begins a day after you save it. Until then you can change it back and nothing is lost.',
  storageWhat: 'What takes the room',
  roomDetails: 'Channels and the rest',
  roomParts: { search: 'Search index', keys: 'Members and keys', other: 'Everything else' },
  someChannel: 'A channel',
  leftSpace: 'A space that you left',
  measuring: 'Measuring…',
  freeRoom: 'Free up room…',
  freeRoomIn: (space: string) => `Free up room in ${space}…`,
  keepLessIn: (channel: string) => `Keep less of ${channel}`,
  mayNotKeep: 'Only people who manage this space can say how long messages are kept.',
  tidy: 'Tidy up now',
  tidying: 'Tidying up…',
  tidied: 'Tidied up: what was deleted has left this device.',
  checkStorage: 'Check storage',
  checkingStorage: (part: number) => `Checking… ${Math.floor(part * 100)} %`,
  checkFound: (places: number) => (places === 0 ? 'Everything on this device can be read.' : `${counted(places, 'place', 'places')} could not be read. What is missing is being fetched again from others.`),
  checkFailed: 'The check could not be finished. Try again; if it goes on, reload the page.',
  storage: 'Room on this device',
  storageUsed: (used: number, free: number) => `${bytes(used)} used by Thicket, ${bytes(free)} free`,
  storageKept: 'The browser keeps it until you remove it.',
  storageNotKept: 'The browser may clear it when it runs out of room. Others and the relay still have what they got.',
  storageRefused: 'The browser has not promised to keep it. It usually does for apps that are installed or often used.',
  storageKeep: 'Ask it to keep everything',
}
