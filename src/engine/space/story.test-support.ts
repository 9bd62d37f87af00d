/**
 * Membership rules as a list of commands with the outcome each must have:
 *
 *   bob kicks carol -> no-permission
 *
 * Without an arrow the command must be done. Everyone present hears everything at once, until `apart alice bob | carol`; `together` ends it.
 * A command is refused by its author's own app; `force` sends it anyway, and the outcome is then how the op stands on every device.
 * `void carol: removed` asks why the last op of a device is void, `members: alice bob` who is in.
 */
import { expect } from 'vitest'
import type { AuthorityBody, RoleId } from '../../wire/authority.ts'
import type { OpId } from '../../wire/ids.ts'
import type { OpHeader } from '../../wire/op.ts'
import { PERMISSIONS } from '../../wire/permissions.ts'
import { reads } from './readers.ts'
import { channelNamed, type Device, inviteNamed, roleNamed, Village } from './village.test-support.ts'

const permissionsOf = (names: string | undefined): number =>
  (names ?? '').split(',').filter((n) => n !== '').reduce((all, n) => all | (PERMISSIONS as Record<string, number>)[n]!, 0)

export class Story {
  readonly village = new Village()
  private groups: string[][] | undefined
  /** Last op of each device. */
  readonly last = new Map<string, OpId>()

  async tell(text: string): Promise<this> {
    for (const line of text.split('\n').map((l) => l.trim()).filter((l) => l !== '' && !l.startsWith('#'))) await this.line(line)
    return this
  }

  private async line(line: string): Promise<void> {
    if (line.startsWith('apart ')) { this.groups = line.slice(6).split('|').map((g) => g.trim().split(' ')); return }
    if (line === 'together') { this.groups = undefined; await this.spread(); return }
    if (line.includes(':')) { this.ask(line); return }
    const [command = '', expected] = line.split('->').map((p) => p.trim())
    const words = command.split(' ')
    const force = words[0] === 'force'
    const [who = '', verb = '', ...rest] = force ? words.slice(1) : words
    const by = this.village.device(who)
    await this.spread()
    const body = this.body(by, verb, rest)
    const refusal = body.type === 'join' || body.type === 'genesis' || force ? undefined : by.authority.refuse(by.identity, body)
    if (refusal !== undefined) { expect(refusal.code, line).toBe(expected); return }
    const op = await this.village.say(by, body)
    this.last.set(who, op.id)
    await this.spread()
    const verdict = by.authority.verdict(op.id)
    expect(verdict.type === 'valid' ? 'ok' : verdict.reason.code, line).toBe(expected ?? 'ok')
  }

  private async spread(): Promise<void> {
    const all = [...this.village.devices.values()]
    if (this.groups === undefined) await this.village.everyoneMeets(all)
    else for (const group of this.groups) await this.village.everyoneMeets(all.filter((d) => group.includes(d.name)))
  }

  private ask(line: string): void {
    const [question = '', answer = ''] = line.split(':').map((p) => p.trim())
    const [what, who = ''] = question.split(' ')
    for (const device of this.village.devices.values()) {
      if (what !== 'members' && what !== 'channels' && what !== 'void' && what !== 'owner' && what !== 'roles' && what !== 'devices' && what !== 'readers') throw new Error(`no such question: ${line}`)
      if (this.groups !== undefined && !this.groups.some((g) => g[0] === device.name)) continue
      expect(this.answer(device, what, who), `${line} (asked ${device.name})`).toBe(answer.split(' ').sort().join(' '))
    }
  }

  private answer(device: Device, what: string, who: string): string {
    const { state } = device.authority
    const person = (identity: string): string => [...this.village.devices.values()].find((d) => d.identity === identity)?.person ?? '?'
    switch (what) {
      case 'members': return [...state.members.keys()].map(person).sort().join(' ')
      case 'channels': return [...state.channels.values()].map((c) => c.name).sort().join(' ')
      case 'owner': return state.owner === undefined ? '' : person(state.owner)
      case 'roles': return [...(state.members.get(this.village.device(who).identity)?.roles ?? [])].map((r) => state.roles.get(r)?.name).sort().join(' ')
      case 'readers': return [...state.members.keys()].filter((i) => reads(state, Number(who), i)).map(person).sort().join(' ')
      case 'devices': return [...this.village.devices.values()].filter((d) => state.devices.has(d.device)).map((d) => d.name).sort().join(' ')
      default: {
        const verdict = device.authority.verdict(this.last.get(who) as OpId)
        return verdict.type === 'valid' ? 'valid' : verdict.reason.code
      }
    }
  }

  private body(by: Device, verb: string, [a = '', b = '', c = '', d = '']: readonly string[]): AuthorityBody {
    const v = this.village
    const target = (): { identity: Device['identity']; cuts: ReturnType<Village['cuts']> } => {
      const { identity } = v.device(a)
      return { identity, cuts: v.cuts(by, identity) }
    }
    const holdersCuts = (role: RoleId) => [...by.authority.state.members].filter(([, m]) => m.roles.includes(role)).flatMap(([i]) => v.cuts(by, i)).sort((x, y) => (x.device < y.device ? -1 : 1))
    switch (verb) {
      case 'founds': return v.genesis(by, a)
      case 'invites': return v.invite(a, { ...(b === '' || b === '-' ? {} : { role: b }), ...(c === '' ? {} : { uses: Number(c) }), ...(d === '' ? {} : { expiresAt: Number(d) }) })
      case 'withdraws': return { type: 'inviteRevoke', invite: inviteNamed(a) }
      case 'joins': return v.join(by, a)
      case 'leaves': return { type: 'leave' }
      case 'kicks': return { type: 'kick', ...target() }
      case 'bans': return { type: 'ban', ...target() }
      case 'unbans': return { type: 'unban', identity: v.device(a).identity }
      case 'silences': return { type: 'timeout', identity: v.device(a).identity, until: Number(b) }
      case 'calls-himself': case 'calls-herself': return { type: 'profile', name: a }
      case 'links': return v.deviceAdd(v.device(a))
      case 'adds-itself': return v.addItself(by)
      case 'unlinks': return v.revokeOwn(by, v.device(a))
      case 'revokes': return { type: 'deviceRevoke', device: v.device(a).device, cuts: v.cuts(by, v.device(a).identity), proof: undefined }
      case 'makes': return { type: 'roleCreate', role: roleNamed(a), name: a, power: Number(b), permissions: permissionsOf(c) }
      case 'names': return { type: 'roleName', role: roleNamed(a), name: b }
      case 'empowers': return { type: 'rolePower', role: roleNamed(a), power: Number(b), cuts: holdersCuts(roleNamed(a)) }
      case 'permits': return { type: 'rolePermissions', role: roleNamed(a), permissions: permissionsOf(b), cuts: holdersCuts(roleNamed(a)) }
      case 'abolishes': return { type: 'roleDelete', role: roleNamed(a), cuts: holdersCuts(roleNamed(a)) }
      case 'gives': return { type: 'roleAssign', role: roleNamed(a), identity: v.device(b).identity }
      case 'takes': return { type: 'roleUnassign', role: roleNamed(a), identity: v.device(b).identity, cuts: v.cuts(by, v.device(b).identity) }
      case 'opens': return { type: 'channelCreate', channel: channelNamed(a), name: a, kind: 'text', audience: Number(b || '0') }
      case 'shares': {
        const readers = [b, c, d].filter((n) => n !== '')
        const identities = readers.filter((n) => !n.startsWith('@')).map((n) => v.device(n).identity).sort()
        const roles = readers.filter((n) => n.startsWith('@')).map((n) => roleNamed(n.slice(1))).sort()
        const out = [...by.authority.state.members.keys()].filter((i) => !identities.includes(i)).flatMap((i) => v.cuts(by, i)).sort((x, y) => (x.device < y.device ? -1 : 1))
        return { type: 'audience', audience: Number(a), roles, identities, cuts: by.authority.state.audiences.has(Number(a)) ? out : [] }
      }
      case 'moves': return { type: 'channelAudience', channel: channelNamed(a), audience: Number(b) }
      case 'renames': return { type: 'channelRename', channel: channelNamed(a), name: b }
      case 'closes': return { type: 'channelDelete', channel: channelNamed(a) }
      case 'overrides': return { type: 'channelOverride', channel: channelNamed(a), ...subjectOf(v, b), allow: permissionsOf(c), deny: permissionsOf(d) }
      case 'names-space': return { type: 'spaceRename', name: a }
      case 'keeps': return { type: 'retention', channel: a === 'all' ? undefined : channelNamed(a), follows: b === 'follows', afterMs: Number(b === 'follows' ? 0 : b) * 24 * 3600_000, maxBytes: Number(c || '0') * 1024 * 1024 }
      case 'clears': return { type: 'clear', channel: channelNamed(a), before: Number(b) }
      case 'hides-history': return { type: 'spaceHistory', historyPolicy: 'fromJoin' }
      case 'hands-over-to': return { type: 'ownerTransfer', to: v.device(a).identity, cuts: v.cuts(by, by.identity) }
      case 'trusts': return { type: 'recoverySet', threshold: Number(a), identities: [b, c, d].filter((n) => n !== '').map((n) => v.device(n).identity).sort() }
      default: throw new Error(`no such verb: ${verb}`)
    }
  }
}

const subjectOf = (v: Village, name: string) =>
  name.startsWith('@') ? { role: roleNamed(name.slice(1)), identity: undefined } : { role: undefined, identity: v.device(name).identity }

export const tell = (text: string): Promise<Story> => new Story().tell(text)

/** A message as the log sees it: header and signature only. */
export const message = (story: Story, who: string, at: { hlc?: number; seq?: number; deps?: readonly OpId[]; audience?: number; channel?: string; type?: string } = {}): OpHeader => {
  const device = story.village.device(who)
  const { header } = story.village.make(device, { type: at.type ?? 'message', bytes: new Uint8Array() })
  return { ...header, audience: at.audience ?? 0, channel: channelNamed(at.channel ?? 'garden'), hlc: at.hlc ?? header.hlc, seq: at.seq ?? header.seq, deps: at.deps ?? header.deps }
}

export const judged = (story: Story, header: OpHeader, by = 'alice'): string => {
  const verdict = story.village.device(by).authority.contentVerdict(header)
  return verdict.type === 'valid' ? 'valid' : verdict.reason.code
}
