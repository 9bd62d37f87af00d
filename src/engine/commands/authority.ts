/** Commands about who may do what, by their names. */
import type { AuthorityAct, AuthorityQuestion } from '../../api/authority.ts'
import { fail } from '../errors.ts'
import { banInfos, deviceInfos, overrideInfos, recoveryInfo, roleInfos } from '../authority-views.ts'
import type { AskedIn, Refusal } from './asked.ts'
import { explainAct, listAudit } from './audit.ts'
import { deviceName, revokeDevice } from './devices.ts'
import { listHidden } from './hidden.ts'
import { banMember, endTimeOut, timeOut, unbanMember } from './moderation.ts'
import { answerGroupCode, answerPersonCode, markChecked } from './check-codes.ts'
import { endRecovery, recover, setRecovery, signRecovery } from './recovery.ts'
import { changeRole, createRole, deleteRole, giveRole, takeRole } from './roles.ts'
import { clearChannel, deleteChannel, setHistory, setOverride, setRelays, setRetention, setSlowMode, setTopic, shareHistory, transferOwnership } from './settings.ts'

export function answerAuthority(asked: AskedIn, c: AuthorityQuestion): Promise<Refusal> | Refusal {
  const { engine, turn, asker, replica } = asked
  switch (c.type) {
    case 'list-roles': return void turn.out.reply(asker, { roles: roleInfos(replica) })
    case 'list-bans': return void turn.out.reply(asker, { bans: banInfos(replica) })
    case 'list-overrides': {
      const overrides = overrideInfos(replica, c.channel)
      return overrides === undefined ? fail('unknown-channel') : void turn.out.reply(asker, { overrides })
    }
    case 'get-recovery': return void turn.out.reply(asker, recoveryInfo(replica))
    case 'list-audit': return listAudit(asked, c)
    case 'list-hidden': return listHidden(asked, c)
    case 'explain': return explainAct(asked, c)
    case 'group-code': return answerGroupCode(asked, c)
    case 'person-code': return answerPersonCode(asked, c)
    case 'mark-checked': return markChecked(asked, c)
    case 'list-devices': return void turn.out.reply(asker, { devices: deviceInfos(replica, engine.present.devices(replica, turn.now), (device) => deviceName(engine, device)) })
  }
}

export function doAuthority(asked: AskedIn, c: AuthorityAct): Promise<Refusal> | Refusal {
  switch (c.type) {
    case 'create-role': return createRole(asked, c)
    case 'change-role': return changeRole(asked, c)
    case 'delete-role': return deleteRole(asked, c)
    case 'give-role': return giveRole(asked, c)
    case 'take-role': return takeRole(asked, c)
    case 'ban-member': return banMember(asked, c)
    case 'unban-member': return unbanMember(asked, c)
    case 'time-out-member': return timeOut(asked, c)
    case 'end-time-out': return endTimeOut(asked, c)
    case 'transfer-ownership': return transferOwnership(asked, c)
    case 'set-override': return setOverride(asked, c)
    case 'set-topic': return setTopic(asked, c)
    case 'delete-channel': return deleteChannel(asked, c)
    case 'set-history': return setHistory(asked, c)
    case 'set-relays': return setRelays(asked, c)
    case 'set-slow-mode': return setSlowMode(asked, c)
    case 'set-retention': return setRetention(asked, c)
    case 'clear-channel': return clearChannel(asked, c)
    case 'share-history': return shareHistory(asked, c)
    case 'revoke-device': return revokeDevice(asked, c)
    case 'set-recovery': return setRecovery(asked, c)
    case 'end-recovery': return endRecovery(asked)
    case 'sign-recovery': return signRecovery(asked, c)
    case 'recover': return recover(asked, c)
  }
}
