/** What clients may ask: each command is checked, done, and answered with a result or a plain refusal. */
import type { Command } from '../../api.ts'
import type { AuthorityQuestion } from '../../api/authority.ts'
import type { MessageQuestion } from '../../api/messages.ts'
import type { SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import type { Asker } from '../out.ts'
import type { Turn } from '../turn.ts'
import { categoryInfos, channelInfos, memberInfos } from '../views.ts'
import { type Asked, type AskedIn, change, named, type Refusal } from './asked.ts'
import { answerAuthority, doAuthority } from './authority.ts'
import { createChannel, renameChannel, setReaders } from './channels.ts'
import { nameDevice } from './devices.ts'
import { openDm } from './dms.ts'
import { enterPhrase, tellPhrase } from './identity.ts'
import { createInvite, listInvites, revokeInvite } from './invites.ts'
import { askToLink, finishLink, linkDevice } from './linking.ts'
import { moveChannel } from './order.ts'
import { removeMember } from './moderation.ts'
import { leave, leaveRemoved, setName, setProfile, setUp } from './people.ts'
import { searchMessages } from './search.ts'
import { createSpace, joinSpace, readLink } from './spaces.ts'
import { compact, keepHere, storage } from './storage.ts'
import { answerMessage, doMessage } from './talk.ts'
import { watch } from './watch.ts'

type Answer = Promise<Refusal> | Refusal
type InSpace = Extract<Command, { readonly space: SpaceId }>

export async function runCommand(engine: Engine, turn: Turn, asker: Asker, command: Command): Promise<void> {
  const refusal = await dispatch({ engine, turn, asker }, command)
  if (refusal !== undefined) turn.out.refuse(asker, refusal)
}

function dispatch(asked: Asked, c: Command): Answer {
  const { engine, turn, asker } = asked
  if (engine.copying.isTaking && c.type !== 'cancel-copy') return fail('busy')
  switch (c.type) {
    case 'set-up': return setUp(asked, c)
    case 'list-spaces': return void turn.out.reply(asker, { spaces: engine.telling.spaceInfos() })
    case 'read-link': return readLink(asked, c)
    case 'ask-to-link': return askToLink(asked)
    case 'finish-link': return finishLink(asked, c)
    case 'enter-phrase': return enterPhrase(asked, c)
    case 'take-copy': return engine.copying.take(asked, c)
    case 'cancel-copy': return engine.copying.cancel(asked)
    case 'status': return void turn.out.reply(asker, engine.telling.statusInfo(turn.now))
  }
  if (engine.me === undefined) return fail('not-set-up')
  if (engine.succession.isOlder && (c.type === 'create-space' || c.type === 'join')) return fail('older')
  const unsure = c.type === 'set-name' || c.type === 'set-profile' || c.type === 'link-device' || (c.type === 'save-copy' && !engine.succession.isStuck && !engine.succession.isOlder) ? [...engine.replicas.values()].find((one) => !engine.succession.isSure(one, turn.now)) : undefined
  if (unsure !== undefined) return engine.held.hold(asked, unsure, c)
  switch (c.type) {
    case 'set-name': return setName(asked, c)
    case 'set-profile': return setProfile(asked, c)
    case 'link-device': return linkDevice(asked, c)
    case 'name-device': return nameDevice(asked, c)
    case 'recovery-phrase': return tellPhrase(asked)
    case 'create-space': return createSpace(asked, c)
    case 'join': return joinSpace(asked, c)
    case 'search-messages': return searchMessages(asked, c)
    case 'watch-messages': case 'grow-window': case 'close-window': return watch(asked, c)
    case 'storage': return storage(asked)
    case 'compact': return compact(asked)
    case 'save-copy': return engine.copying.save(asked, c)
    case 'check-storage': return void engine.mending.check(turn, asker)
  }
  const replica = engine.replicas.get(c.space)
  return replica === undefined || replica.record.state !== 'open' ? fail('unknown-space') : inSpace({ ...asked, replica }, c)
}

function inSpace(asked: AskedIn, c: InSpace): Answer {
  const { engine, turn, asker, replica } = asked
  switch (c.type) {
    case 'list-channels': return void turn.out.reply(asker, { channels: channelInfos(replica, engine.reading), categories: categoryInfos(replica) })
    case 'list-members': return void turn.out.reply(asker, { members: memberInfos(replica, engine.present.devices(replica, turn.now), engine.checked) })
    case 'list-invites': return listInvites(asked)
    case 'keep-here': return keepHere(asked, c)
    case 'get-messages': case 'list-threads': case 'list-pins': case 'mark-read': case 'retry-message': case 'keep-draft': case 'get-draft': return answerMessage(asked, c)
    case 'list-roles': case 'list-bans': case 'list-overrides': case 'list-devices': case 'group-code': case 'person-code': case 'mark-checked': case 'get-recovery': case 'list-audit': case 'list-hidden': case 'explain':
      return answerAuthority(asked, c)
  }
  if (c.type === 'leave-space' && replica.state() === 'removed') return leaveRemoved(asked)
  return replica.isMember() ? asMember(asked, c) : fail(replica.isMending ? 'mending' : 'not-a-member')
}

type ForMembers = Exclude<InSpace, AuthorityQuestion | MessageQuestion | { readonly type: 'list-channels' | 'list-members' | 'list-invites' | 'keep-here' }>

function asMember(asked: AskedIn, c: ForMembers): Answer {
  switch (c.type) {
    case 'send-message': case 'edit-message': case 'delete-message': case 'react': case 'pin-message': case 'typing': return doMessage(asked, c)
  }
  // What is written waits with the drafts, what is done here.
  if (!asked.engine.succession.isSure(asked.replica, asked.turn.now)) return asked.engine.held.hold(asked, asked.replica, c)
  switch (c.type) {
    case 'rename-space': return named(c.name) ?? change(asked, { type: 'spaceRename', name: c.name.trim() })
    case 'create-channel': return createChannel(asked, c)
    case 'move-channel': return moveChannel(asked, c)
    case 'rename-channel': return renameChannel(asked, c)
    case 'set-readers': return setReaders(asked, c)
    case 'open-dm': return openDm(asked, c)
    case 'remove-member': return removeMember(asked, c)
    case 'leave-space': return leave(asked)
    case 'create-invite': return createInvite(asked, c)
    case 'revoke-invite': return revokeInvite(asked, c)
    default: return doAuthority(asked, c)
  }
}
