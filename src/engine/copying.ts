/**
 * Copies of all this device keeps (ports.ts, Copies). A copy must not go on under the keys of the device it was made on: two would sign for the same places, which is a fork.
 *
 *   saved    a device with keys of its own is vouched for in every space (`deviceAdd`), and its keys lie among the rows that are copied; nobody uses them here
 *   taken    the disk becomes that device: it has never signed anything, and the one where the copy was made goes on untouched
 *
 * Where nobody could be vouched for (a linked device has no secret to do it with, or the copy was made before the engine ran), the copy is taken for a disk that was put back (S9).
 * The same device is offered again by later copies until one of them has been taken and has signed something. One file that is taken twice would be one device twice: whoever comes second hears of
 * own ops before having signed any, and only reads.
 */
import type { Row } from '../ports.ts'
import { deviceConsentBytes, encodeAuthorityBody } from '../wire/authority.ts'
import { equal } from '../wire/bytes.ts'
import { TAKEN_KEY } from '../wire/copy.ts'
import { type DeviceId, parseSpaceId } from '../wire/ids.ts'
import { decodeMe, encodeMe, type MeRecord } from '../wire/records.ts'
import type { Asked, Refusal, Run } from './commands/asked.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import type { Input } from './input.ts'
import { MIN_PASSPHRASE_CHARS } from './limits.ts'
import { makeMe, restoreMe } from './me.ts'
import type { Asker } from './out.ts'
import type { Me, Turn } from './turn.ts'
import { saveMe } from './twice.ts'

/** In the partition 'me': the device that a copy becomes. */
const SPARE_KEY = Uint8Array.of(5)
/** There is a row under it while the device that a copy became has signed nothing yet. */
const FRESH_KEY = Uint8Array.of(7)
/** Of each space, what is the former device's alone: its states of groups, the secrets it may be added with, and what it has not sealed yet, which it will say itself. */
const ITS_OWN = ['states', 'packages', 'drafts']

interface Running { readonly asker: Asker; readonly type: 'save' | 'take'; readonly device: DeviceId | undefined }

export class Copying {
  private readonly engine: Engine
  private running: Running | undefined
  private spare: MeRecord | undefined
  private isTaken = false
  /** The device that a copy became has signed nothing yet. */
  isFresh = false

  constructor(engine: Engine) { this.engine = engine }

  /** A copy is being taken: nobody else may come to be on this disk meanwhile. */
  get isTaking(): boolean { return this.running?.type === 'take' }

  /** Whether the disk was taken from a copy and has no keys of its own: it goes on as one that was put back. */
  get isPutBack(): boolean { return this.isTaken && this.spare === undefined }

  load(rows: readonly Row[]): void {
    const at = (key: Uint8Array): Row | undefined => rows.find((row) => equal(row.key, key))
    this.isTaken = at(TAKEN_KEY) !== undefined
    this.isFresh = at(FRESH_KEY) !== undefined
    this.spare = decodeMe(at(SPARE_KEY)?.value ?? new Uint8Array())
  }

  /** Before any space is opened. True: the disk becomes the spare device's, and the next engine starts as that. */
  becomes(turn: Turn, spaces: readonly Row[]): boolean {
    if (!this.isTaken || this.spare === undefined) return false
    for (const row of spaces) {
      const space = parseSpaceId(row.key)
      if (space !== undefined) for (const kind of ITS_OWN) turn.out.drop(`${kind}/${space}`)
    }
    saveMe(turn, this.spare)
    this.settled(turn)
    turn.out.put('me', FRESH_KEY, new Uint8Array())
    this.engine.tally.begins(turn, this.spare)
    turn.out.startAgain()
    return true
  }

  /** Own ops are among what is saved. */
  signed(turn: Turn): void {
    if (this.isFresh) turn.out.delete('me', FRESH_KEY)
    this.isFresh = false
  }

  /** The disk has keys of its own. */
  settled(turn: Turn): void {
    turn.out.delete('me', TAKEN_KEY)
    turn.out.delete('me', SPARE_KEY)
  }

  async save({ turn, asker }: Asked, c: Run<'save-copy'>): Promise<Refusal> {
    const wrong = this.mayBegin(c.passphrase)
    if (wrong !== undefined) return wrong
    this.running = { asker, type: 'save', device: await this.vouch(turn) }
    turn.out.read({ tag: 'copy', copy: { type: 'save', passphrase: c.passphrase } })
    return undefined
  }

  take({ engine, turn, asker }: Asked, c: Run<'take-copy'>): Refusal {
    const wrong = engine.replicas.size > 0 ? fail('already-set-up', 'This device is in spaces already. Open the copy on one that is in none.') : this.mayBegin(c.passphrase)
    if (wrong !== undefined) return wrong
    this.running = { asker, type: 'take', device: undefined }
    turn.out.read({ tag: 'copy', copy: { type: 'take', file: c.file, passphrase: c.passphrase } })
    return undefined
  }

  private mayBegin(passphrase: string): Refusal {
    if (this.running !== undefined) return fail('busy')
    return passphrase.length < MIN_PASSPHRASE_CHARS ? fail('passphrase-short') : undefined
  }

  cancel({ turn, asker }: Asked): Refusal {
    if (this.running !== undefined) turn.out.read({ tag: 'copy', copy: { type: 'cancel' } })
    turn.out.reply(asker, {})
    return undefined
  }

  onCopied(turn: Turn, input: Input & { type: 'copied' }): void {
    const { running } = this
    if (running === undefined) return
    if ('done' in input) { turn.out.update({ type: 'copy', done: input.done, all: input.all }); return }
    this.running = undefined
    const { end } = input
    if (end.type !== 'done') { turn.out.refuse(running.asker, fail(CODES[end.type])); return }
    if (running.type === 'save') { turn.out.reply(running.asker, { file: end.file, bytes: end.bytes, ...(running.device === undefined ? {} : { device: running.device }) }); return }
    turn.out.reply(running.asker, {})
    turn.out.startAgain()
  }

  /** The device that a copy becomes is one of this person's in every space, from now on. */
  private async vouch(turn: Turn): Promise<DeviceId | undefined> {
    const { engine } = this, { world, me, meRecord } = engine
    if (me === undefined || meRecord?.identity.type !== 'held') return undefined
    const known = this.spare && await restoreMe(world.suite, this.spare)
    const isFree = known !== undefined && ![...engine.replicas.values()].some((replica) => replica.log.deviceHeads.has(known.device))
    const record: MeRecord = isFree && this.spare !== undefined ? { ...this.spare, name: me.name } : await makeMe(world, me.name, meRecord.identity.secret)
    const spare = isFree ? known : await restoreMe(world.suite, record)
    for (const replica of engine.replicas.values()) {
      if (replica.state() !== 'member' || !engine.succession.isSure(replica, turn.now) || replica.authority.state.devices.has(spare.device)) continue
      await engine.distribute(turn, replica, [await replica.append(turn, 'deviceAdd', await vouching(engine, replica.id, spare))])
      engine.touch(turn, replica)
    }
    this.spare = record
    turn.out.put('me', SPARE_KEY, encodeMe(record))
    return spare.device
  }
}

/** What a device's owner says of it, with the device's own consent. */
export async function vouching({ world }: Engine, space: string, me: Me): Promise<Uint8Array> {
  const consent = await world.suite.sign(me.deviceKey.secretKey, deviceConsentBytes(space as Parameters<typeof deviceConsentBytes>[0], me.device, me.identity))
  return encodeAuthorityBody({ type: 'deviceAdd', device: me.device, identityPk: me.identityPk, cert: me.cert, consent })
}

const CODES = { cancelled: 'cancelled', locked: 'copy-locked', invalid: 'copy-invalid', newer: 'copy-newer', damaged: 'copy-damaged', full: 'disk-full', failed: 'disk-failed' } as const
