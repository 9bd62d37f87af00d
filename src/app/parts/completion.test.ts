import { expect, test } from 'vitest'
import { identityId } from '../messages.test-support.ts'
import { parseRoleId } from '../../wire/authority.ts'
import { begunAt, completed, meantIn, namedIn, offersFor, stillMeantIn, type Known } from './completion.ts'

const [ANN, ANNA, ZOE] = [identityId('ann'), identityId('anna'), identityId('zoe')]
const GARDENERS = parseRoleId('7'.repeat(32))
if (GARDENERS === undefined) throw new Error('Not an id')

/** Members know more of themselves than is asked here. */
const OWNER = { member: ANN, name: 'Ann', role: 'owner' }
const KNOWN: Known = {
  members: [OWNER, { member: ANNA, name: 'Anna Berg' }, { member: ZOE, name: 'Zoë' }],
  channels: [{ channel: 'g', name: 'garden' }, { channel: 's', name: 'shed-talk' }],
  roles: [{ role: GARDENERS, name: 'Gardeners' }], mayCallMany: false,
}
/** The text with | where the caret is. */
const begun = (text: string): ReturnType<typeof begunAt> => begunAt(text.replace('|', ''), text.indexOf('|'))
const offered = (text: string, known = KNOWN): string[] => {
  const word = begun(text)
  return word === undefined ? [] : offersFor(word, known).map((offer) => offer.label)
}

test('people after @, channels after #, emoji after a colon and two letters', () => {
  expect(offered('Hello @ann|')).toEqual(['Ann', 'Anna Berg'])
  expect(offered('@zoe|')).toEqual(['Zoë'])
  expect(offered('see #talk|')).toEqual(['shed-talk'])
  expect(offered('well done :tada|')).toEqual(['🎉'])
  expect(offered('@|')).toHaveLength(3)
})

test('a name may have two words; an address, a smiley and a time are none', () => {
  expect(offered('@anna b|')).toEqual(['Anna Berg'])
  expect(offered('@anna |')).toEqual(['Anna Berg'])
  expect([...offered('@Ann |'), ...offered('@zoe look|'), ...offered('@Anna Berg |')]).toEqual([])
  expect(begun('ann@exam|')).toBeUndefined()
  expect(begun('well :D|')).toBeUndefined()
  expect(begun('at 10:30|')).toBeUndefined()
  expect(begun('@ now|')).toBeUndefined()
})

test('roles and everyone are offered to who may call many', () => {
  expect([...offered('@every|'), ...offered('@gard|')]).toEqual([])
  expect([...offered('@every|', { ...KNOWN, mayCallMany: true }), ...offered('@gard|', { ...KNOWN, mayCallMany: true })]).toEqual(['everyone', 'Gardeners'])
})

test('whom a text means is said beside it, each once', () => {
  expect(meantIn('@Ann and @Zoë, and @Ann again', KNOWN)).toEqual({ mentions: [ANN, ZOE] })
  expect(meantIn('@everyone, @Gardeners and nobody', KNOWN)).toEqual({})
  expect(meantIn('@everyone, @Gardeners and @Ann', { ...KNOWN, mayCallMany: true })).toEqual({ mentions: [ANN], mentionRoles: [GARDENERS], mentionEveryone: true })
})

test('of two who are called alike each can be meant, and both are where only the name is said', () => {
  const other = identityId('another ann'), two: Known = { ...KNOWN, members: [...KNOWN.members, { member: other, name: 'Ann' }] }
  const word = begun('Hello @ann|'), offers = word === undefined ? [] : offersFor(word, two)
  const called = offers.map((offer) => meantIn(offer.text, two).mentions)
  expect(called).toEqual([[ANN], [other], [ANNA]])
  expect(meantIn('@Ann, look', two)).toEqual({ mentions: [ANN, other] })
  const mentions = { members: [{ member: other, name: 'Ann' }], roles: [], everyone: false, me: false }
  expect(stillMeantIn(`${offers[1]?.text}look`, { text: offers[1]?.text ?? '', mentions }, two)).toEqual({ mentions: [other] })
})

test('an edit means whom its text names, and who was meant before and is called otherwise now', () => {
  const mentions = { members: [{ member: ANN, name: 'Ann' }, { member: ZOE, name: 'Zoë' }], roles: [], everyone: false, me: false }
  expect(stillMeantIn('@Anna Berg, look', { text: '@Ann and @Zizi, look', mentions }, KNOWN)).toEqual({ mentions: [ANNA, ZOE] })
  expect(stillMeantIn('look', { text: '@Ann, look', mentions: undefined }, KNOWN)).toEqual({})
})

test('what is chosen takes the place of what was typed', () => {
  const word = begun('Hello @an|!')
  const [first] = word === undefined ? [] : offersFor(word, KNOWN)
  if (word === undefined || first === undefined) throw new Error('Nothing offered')
  expect(completed('Hello @an!', word, first)).toEqual({ text: 'Hello @Ann !', caret: 11 })
  expect(completed('Hello @an and all', word, first)).toEqual({ text: 'Hello @Ann and all', caret: 11 })
})

test('a text means whom it names, the longest name first', () => {
  const named = (text: string): string[] => namedIn(text, KNOWN.members).map(({ who, from, to }) => `${who.name} ${from}-${to}`)
  expect(named('@Anna Berg and @Ann, look')).toEqual(['Anna Berg 0-10', 'Ann 15-19'])
  expect(named('@Annabel @ann mail@Ann')).toEqual([])
})
