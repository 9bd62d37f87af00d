/** Words about who may do what in a channel, why not, and what doesn't count. */
import type { HistoryPolicy } from '../../api/authority.ts'
import type { IN_CHANNEL } from '../parts/denial.ts'

export const RIGHTS = {
  channelRights: 'Who may do what here',
  channelRightsOf: (channel: string) => `Who may do what in #${channel}`,
  channelRightsHint: 'What you set here holds for this channel only, and counts more than what roles say for the whole space: first for everyone, then for roles, then for single people.',
  rightsAdd: 'Add a role or a person',
  rightsNobody: 'Nothing is different here: the roles of the space decide.',
  rightsChoose: 'Choose who it is about',
  rightsChoices: { inherit: 'As usual', allow: 'Yes', deny: 'No' },
  rightsInWords: (allowed: readonly string[], denied: readonly string[]): string => [...allowed.map((what) => `${what}: yes`), ...denied.map((what) => `${what}: no`)].join(', '),
  inChannel: { send: 'Write', react: 'React', thread: 'Start threads', everyone: 'Mention roles and everyone', messages: 'Pin and delete what others write' } satisfies Record<typeof IN_CHANNEL[number], string>,
  rightsOthers: 'Whoever is as high as you, or higher, can’t be chosen.',

  whyNotSendRole: 'None of your roles lets you write here.',
  whyNotSend: {
    everyone: 'Writing here is turned off for everyone.',
    role: (role: string) => `Writing here is turned off for those with the role ${role}, which you have.`,
    me: 'Writing here is turned off for you.',
  },
  whoCanHelp: (names: string) => `${names} can change that.`,

  history: 'What newcomers can read',
  histories: {
    'all': 'Everything that was written before',
    'from-join': 'Only what is written after they join',
  } satisfies Record<HistoryPolicy, string>,
  historyFromJoin: 'All invite links will be taken back, since they hold the keys to the past. Make new ones afterwards.',
  historyAll: 'Whoever joins later can also read what was written before, as far as it was written while this was chosen.',

  historyOf: (channel: string) => `What new readers of #${channel} can read`,
  historyChannel: 'What new readers can read',
  historiesOf: {
    'all': 'Also what is written before they come',
    'from-join': 'Only what is written from their coming on',
  } satisfies Record<HistoryPolicy, string>,
  historyChannelAll: 'It begins now: what was written until now stays with those who could read it. New readers get the past once the owner, or two who manage channels, have gone on from their coming.',
  historyChannelSame: 'This holds for all channels with the same readers.',
  shareHistoryAction: 'Let them read the past',
  shareHistory: (name: string) => `Let ${name} read what was written before?`,
  shareHistoryGo: 'Let them read it',
  shareHistoryHint: (name: string) => `${name} gets what was written here while everything was for newcomers too, as far as you can read it yourself. This is for somebody whose invite link gave them none of it.`,
  shareHistoryCare: 'What somebody has read can’t be taken back.',

  hidden: 'Messages that don’t count',
  hiddenAbout: 'Messages, changes and reactions of people who did not know that they were no longer allowed to. Whoever manages messages sees all of them; others see their own.',
  hiddenIn: 'In',
  hiddenNone: 'There are none in this channel.',
  hiddenWhy: (why: string) => `It doesn’t count: ${why}.`,
  hiddenFurther: 'Look further back',
}
