/** Words about who may do what in a channel, why not, and what doesn't count. */
import type { HistoryPolicy } from '../../api/authority.ts'
import type { IN_CHANNEL } from '../parts/denial.ts'

export const RIGHTS = {
  channelRights: 'Who may do what here',
  channelRightsOf: (channel: string) => `Who may do what in #${channel}`,
  channelRightsHint: 'What is said here is for this channel only, and goes before what roles say for the whole space: first for everyone, then for roles, then for single people.',
  rightsAdd: 'Add a role or a person',
  rightsNobody: 'Nothing is different here: the roles of the space decide.',
  rightsChoose: 'Choose whom it is about',
  rightsChoices: { inherit: 'As usual', allow: 'Yes', deny: 'No' },
  rightsInWords: (allowed: readonly string[], denied: readonly string[]): string => [...allowed.map((what) => `${what}: yes`), ...denied.map((what) => `${what}: no`)].join(', '),
  inChannel: { send: 'Write', react: 'React', thread: 'Begin threads', everyone: 'Call roles and everyone', messages: 'Pin and delete what others write' } satisfies Record<typeof IN_CHANNEL[number], string>,
  rightsOthers: 'Whoever stands as high as you, or higher, can’t be chosen.',

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
    'from-join': 'Only what is written from their joining on',
  } satisfies Record<HistoryPolicy, string>,
  historyFromJoin: 'The invite links there are will be taken back, since they hold the keys of the past. Make new ones afterwards.',
  historyAll: 'Whoever joins from now on can read what was written while this was so, too.',

  hidden: 'Messages that don’t count',
  hiddenAbout: 'Somebody wrote them without knowing that they no longer might. Whoever manages messages sees all of them, and you see your own.',
  hiddenIn: 'In',
  hiddenNone: 'There are none in this channel.',
  hiddenWhy: (why: string) => `It doesn’t count: ${why}.`,
  hiddenFurther: 'Look further back',
}
