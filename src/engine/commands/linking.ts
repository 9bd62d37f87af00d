/**
 * A second device of the same person. The new one asks with keys of its own; the old one answers with a certificate for them and a link to each space, sealed to
 * them; the new one becomes a device of that identity and joins each space by its link, as a further device of a member (A9). The identity's secret stays on the
 * old one (A34). A device that was put back (succession.ts) asks in the same way for a certificate for a new key.
 */
import type { ApiError } from '../../api.ts'
import { INVITE_SECRET_BYTES, decodeLink } from '../../wire/invite.ts'
import { concat, equal, fromBase64Url, toBase64Url } from '../../wire/bytes.ts'
import { certBoxKey, certSignature, certSignedBytes } from '../../wire/authority.ts'
import { decodeLinkParcel, decodeLinkRequest, encodeLinkParcel, encodeLinkRequest, MAX_ANSWER_BYTES, MAX_LINKED_SPACES } from '../../wire/linking.ts'
import { parseDeviceId, type SpaceId } from '../../wire/ids.ts'
import type { MeRecord } from '../../wire/records.ts'
import type { Row } from '../../ports.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { LABELS } from '../labels.ts'
import { LINKING_MS } from '../limits.ts'
import { certify, restoreMe } from '../me.ts'
import type { World } from '../turn.ts'
import type { Asked, Refusal, Run } from './asked.ts'
import { NEEDS_PHRASE } from './identity.ts'
import { makeInvite } from './invites.ts'
import { startJoining } from './spaces.ts'
import { saveMe } from '../twice.ts'

/** One row: the seeds of the device's keys that a request was made with, one after the other. It outlives a reload, since people change apps to carry a text across. */
const PARTITION = 'linking'
const KEY = new Uint8Array([0])
const NO_AAD = new Uint8Array()

export async function askToLink({ engine, turn, asker }: Asked): Promise<Refusal> {
  const wrong = mayBecome(engine)
  if (wrong !== undefined) return wrong
  const { suite, random } = engine.world
  const deviceSeed = random.bytes(32), boxSeed = random.bytes(32)
  turn.out.put(PARTITION, KEY, concat(deviceSeed, boxSeed))
  const keys = { devicePk: (await suite.signingKey(deviceSeed)).publicKey, boxPk: (await suite.boxKey(boxSeed)).publicKey }
  turn.out.reply(asker, { request: encodeLinkRequest(keys, (b) => suite.sha256(b)) })
  return undefined
}

export async function linkDevice({ engine, turn, asker }: Asked, c: Run<'link-device'>): Promise<Refusal> {
  const { world: { suite }, me } = engine
  if (me?.identityKey === undefined) return NEEDS_PHRASE
  const asking = decodeLinkRequest(c.request, (b) => suite.sha256(b))
  if (asking === undefined) return fail('linking-invalid', 'This is not the code of a device that wants to be linked. Reload Thicket on the new device, and let it show its code again.')
  const links: string[] = [], missing: SpaceId[] = []
  let room = MAX_ANSWER_BYTES - 1000
  for (const replica of engine.replicas.values()) {
    if (replica.state() !== 'member') continue
    const made = links.length < MAX_LINKED_SPACES ? await makeInvite({ engine, turn, asker, replica }, { uses: 1, expiresInMs: LINKING_MS, base: undefined, role: undefined }) : fail('limit-reached')
    if ('code' in made || made.link.length > room) { missing.push(replica.id); continue }
    room -= made.link.length + 3
    links.push(made.link)
  }
  const { identityPk, ownKey, name } = me
  const cert = await certify(suite, me.identityKey, asking.devicePk, asking.boxPk)
  const sealed = await suite.sealTo(asking.boxPk, LABELS.linking, NO_AAD, encodeLinkParcel({ identityPk, cert, ownKey, name, links }))
  turn.out.reply(asker, { answer: toBase64Url(sealed), spaces: links.length, missing })
  return undefined
}

export async function finishLink(asked: Asked, c: Run<'finish-link'>): Promise<Refusal> {
  const { engine, turn } = asked
  const wrong = mayBecome(engine)
  if (wrong !== undefined) return wrong
  const sealed = fromBase64Url(c.answer.trim())
  if (sealed === undefined || sealed.length > MAX_ANSWER_BYTES + 100) return NOT_FOR_US
  await engine.questions.ask(turn, PARTITION, { limit: 1 }, async (later, rows) => {
    const refused = await become({ ...asked, turn: later }, sealed, rows)
    if (refused !== undefined) later.out.refuse(asked.asker, refused)
  })
  return undefined
}

async function become({ engine, turn, asker }: Asked, sealed: Uint8Array, [row]: readonly Row[]): Promise<Refusal> {
  const { world } = engine
  const wrong = mayBecome(engine)
  if (wrong !== undefined) return wrong
  const answer = row === undefined ? undefined : await openAnswer(world, row.value, sealed)
  if (answer === undefined) return NOT_FOR_US
  const { record, links } = answer
  const me = await restoreMe(world.suite, record)
  if (engine.succession.isStuck && me.identity !== engine.me?.identity) return fail('linking-invalid', 'This answer was made by somebody else’s device. Use one of your own.')
  turn.out.delete(PARTITION, KEY)
  if (engine.succession.isStuck) {
    turn.out.reply(asker, { identity: me.identity, device: me.device, name: me.name, spaces: engine.replicas.size })
    return void await engine.succession.succeed(turn, record)
  }
  saveMe(turn, record)
  engine.setMe(me, record)
  engine.tally.begins(turn, record)
  let spaces = 0
  for (const text of links) {
    const link = decodeLink(text, (b) => world.suite.sha256(b))
    if (link === undefined || link === 'newer' || link.secret.length !== INVITE_SECRET_BYTES) continue
    if ((await startJoining(engine, turn, me, text, link, undefined)) === undefined) spaces++
  }
  turn.out.reply(asker, { identity: me.identity, device: me.device, name: me.name, spaces })
  engine.telling.me(turn)
  engine.telling.spaces(turn)
  return undefined
}

/** Who this device is by an answer, if it certifies the very keys that it was asked for. */
async function openAnswer({ suite }: World, seeds: Uint8Array, sealed: Uint8Array): Promise<{ readonly record: MeRecord; readonly links: readonly string[] } | undefined> {
  if (seeds.length !== 64) return undefined
  const deviceSeed = seeds.slice(0, 32), boxSeed = seeds.slice(32)
  const box = await suite.boxKey(boxSeed), device = parseDeviceId((await suite.signingKey(deviceSeed)).publicKey)
  const plain = await suite.openFrom(box.secretKey, LABELS.linking, NO_AAD, sealed)
  const parcel = plain === undefined ? undefined : decodeLinkParcel(plain)
  if (parcel === undefined || device === undefined) return undefined
  const { identityPk: publicKey, cert, ownKey, name, links } = parcel
  const isOurs = equal(certBoxKey(cert), box.publicKey) && await suite.verify(publicKey, certSignature(cert), certSignedBytes(device, box.publicKey))
  return isOurs ? { record: { identity: { type: 'certified', publicKey, ownKey }, deviceSeed, boxSeed, cert, name }, links } : undefined
}

/** Becoming somebody else would leave behind the spaces that this device is in: it must be in none, or ask for another key of the same person. */
const mayBecome = (engine: Engine): Refusal => (engine.replicas.size > 0 && !engine.succession.isStuck ? fail('already-set-up', 'This device is in spaces already. Link one that is in none.') : undefined)

const NOT_FOR_US: ApiError = fail('linking-invalid', 'This answer is damaged, or was made for another device. Start again on both.')
