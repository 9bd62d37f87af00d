/** What somebody did in a space, as a clause that starts with their name: "Bob removed Carol". Words of their own, since every kind of act has one. */
import type { ActInfo, ActRef, HiddenInfo, HiddenNote, Keeps, Reason } from '../api/authority.ts'
import type { IdentityId } from '../wire/ids.ts'
import { fullTime } from './strings.ts'
import { pauseOf } from './words/channels.ts'
import { keepsFor } from './words/storage.ts'

const quoted = (text: string | undefined): string => (text === undefined || text === '' ? '' : ` “${text}”`)

/** Who is meant: oneself is "you". */
const called = (who: IdentityId | undefined, name: string | undefined, me: IdentityId | undefined): string => (who !== undefined && who === me ? 'you' : name === undefined || name === '' ? 'somebody' : name)

/** "kept messages for 30 days". */
function kept(keeps: Keeps | undefined): string {
  if (keeps === undefined) return 'left it to the space how long messages are kept'
  return keeps.afterMs + keeps.maxBytes === 0 ? 'kept all messages' : `kept messages ${keepsFor(keeps)}`
}

function deed(act: ActRef, me: IdentityId | undefined): string {
  const { about } = act
  const whom = called(about.member, about.memberName, me)
  const role = about.roleName === '' ? 'everyone’s role' : `the role${quoted(about.roleName)}`
  const channel = `the channel${quoted(about.channelName)}`
  switch (act.kind) {
    case 'genesis': return `made the space${quoted(about.text)}`
    case 'join': return 'joined'
    case 'leave': return 'left'
    case 'invite': return 'made an invite link'
    case 'inviteRevoke': return 'took an invite link back'
    case 'kick': return `removed ${whom}`
    case 'ban': return `banned ${whom}`
    case 'unban': return `lifted the ban of ${whom}`
    case 'timeout': return about.until === 0 ? `ended the time-out of ${whom}` : `gave ${whom} a time-out until ${fullTime(about.until ?? 0)}`
    case 'deviceAdd': return 'added a device'
    case 'deviceRevoke': return 'signed a device out'
    case 'keyPackage': return 'laid out keys'
    case 'profile': return `took the name${quoted(about.text)}`
    case 'about': return 'changed their profile'
    case 'roleCreate': return `made the role${quoted(about.text)}`
    case 'roleName': return `named a role${quoted(about.text)}`
    case 'rolePower': return `gave ${role} the power ${about.power ?? 0}`
    case 'rolePermissions': return `changed what ${role} may do`
    case 'roleDelete': return `deleted ${role}`
    case 'roleAssign': return `gave ${whom} ${role}`
    case 'roleUnassign': return `took ${role} from ${whom}`
    case 'channelCreate': return `made the channel${quoted(about.text)}`
    case 'channelRename': return `renamed a channel to${quoted(about.text)}`
    case 'channelTopic': return `set the topic of ${channel}`
    case 'channelPlace': return `moved ${channel}`
    case 'channelDelete': return `deleted ${channel}`
    case 'channelOverride': return `changed who may do what in ${channel}`
    case 'audience': return 'changed who reads a private channel'
    case 'audienceHistory': return about.history === 'all' ? 'let new readers of a private channel read what was said before' : 'kept what was said before in a private channel from new readers'
    case 'channelAudience': return `chose who reads ${channel}`
    case 'spaceRename': return `renamed the space to${quoted(about.text)}`
    case 'spaceHistory': return about.history === 'all' ? 'let newcomers read what was said before' : 'kept what was said before from newcomers'
    case 'spaceRelays': return 'changed the relays of the space'
    case 'retention': return `${kept(about.keeps)} ${about.channel === undefined ? 'in the space' : `in ${channel}`}`
    case 'slowMode': return about.everyMs === 0 ? `ended slow mode in ${channel}` : `set slow mode in ${channel}: one message every ${pauseOf(about.everyMs ?? 0)}`
    case 'clear': return `deleted what was said in ${channel} before ${fullTime(about.until ?? 0)}`
    case 'ownerTransfer': return `made ${whom} the owner`
    case 'recoverySet': return 'changed who can recover the space'
    case 'recover': return `recovered the space for ${whom}`
    case 'forkProof': return 'showed that a device signed two things at once'
    case 'commit': return 'changed the group’s keys'
    case 'commitReject': return 'refused a change of the group’s keys'
    case 'bundle': return 'told everyone keys of the group'
    case 'keyWant': return 'asked for keys of the group'
    case 'grant': return 'told a device keys of the group'
    case 'historyShare': return 'shared what was said before'
    default: return act.kind satisfies never
  }
}

/** "Bob removed Carol". */
export function clause(act: ActRef, me: IdentityId | undefined): string { return `${called(act.by, act.byName, me)} ${deed(act, me)}` }

const upper = (text: string): string => text.charAt(0).toLocaleUpperCase('en') + text.slice(1)

/** "Bob removed Carol." */
export const act = (ref: ActRef, me: IdentityId | undefined): string => `${upper(clause(ref, me))}.`

/** Why an act counts no longer, as a clause. */
export const reason = (info: ActInfo, me: IdentityId | undefined): string => because(info, me)

/** Of what somebody did and what became of it: "Bob renamed the space to “Hut”. This was undone: Alice had removed Bob before he saw it." */
export function undone(act: ActInfo, me: IdentityId | undefined): string {
  return `${upper(clause(act, me))}. This was undone: ${because(act, me)}.`
}

/** Of acts that had been undone and count again. */
export function restored(act: ActInfo, me: IdentityId | undefined): string { return `${upper(clause(act, me))}. This counts again.` }

/** Why a message, or what was said about it, doesn't count, as a clause. */
export const hiddenBecause = ({ message: { author: by, authorName: byName }, note, ...why }: HiddenInfo, me: IdentityId | undefined): string => because({ ...note ?? { by, byName }, ...why }, me)

/** "Bob reacted 🌱 to this". */
export const noted = (note: HiddenNote, me: IdentityId | undefined): string => upper(`${called(note.by, note.byName, me)} ${NOTED[note.kind](quoted(note.text))}`)

const NOTED: Readonly<Record<HiddenNote['kind'], (text: string) => string>> = {
  edit: (text) => `changed this to${text}`, delete: () => 'deleted this', remove: () => 'removed this', pin: () => 'pinned this', unpin: () => 'unpinned this',
  reaction: (text) => `reacted to this with${text}`, unreact: () => 'took a reaction to this back',
}

/** By its author, as a clause. */
export function because({ by, byName, becauseOf, reason }: Pick<ActInfo, 'by' | 'byName' | 'becauseOf' | 'reason'>, me: IdentityId | undefined): string {
  const who = called(by, byName, me)
  if (becauseOf !== undefined) return `at the same time, not known to ${who}, ${clause(becauseOf, me)}`
  return WITHOUT_CAUSE[reason?.code ?? 'malformed'] ?? `what ${who} needed for it was gone`
}

const WITHOUT_CAUSE: Partial<Record<Reason['code'], string>> = {
  'invite-used-up': 'others had taken the last uses of the link',
  'invite-revoked': 'the link had been taken back',
  'timed-out': 'it was written in a time-out',
  'no-permission': 'no role allowed it there',
  'not-a-member': 'it came from somebody who was no member any more',
  'too-soon': 'it came sooner after the one before than slow mode allows',
  'not-its-author': 'only its author may do that',
  'still-in': 'it would have put out somebody who is a member',
  'rejected': 'others could not follow it',
  'wrong-keys': 'the keys in it were not the right ones',
  'device-not-authorised': 'a device was none of a member’s',
  'not-a-reader': 'it came from somebody who did not read that channel any more',
  'device-revoked': 'the device had been signed out',
  'forked': 'this device had signed two things at once',
}
