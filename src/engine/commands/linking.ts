/**
 * A second device of the same person. The new one asks with a key of its own; the old one answers with who they are and a link to each space, sealed to
 * that key; the new one becomes a device of that identity and joins each space by its link, as a further device of a member (A9).
 */
import type { ApiError } from '../../api.ts'
import { INVITE_SECRET_BYTES, decodeLink } from '../../wire/invite.ts'
import { fromBase64Url, toBase64Url } from '../../wire/bytes.ts'
import { decodeLinkParcel, decodeLinkRequest, encodeLinkParcel, encodeLinkRequest, MAX_ANSWER_BYTES, MAX_LINKED_SPACES } from '../../wire/linking.ts'
import type { SpaceId } from '../../wire/ids.ts'
import type { Row } from '../../ports.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { LABELS } from '../labels.ts'
import { LINKING_MS } from '../limits.ts'
import { makeMe, restoreMe, saveMe } from '../me.ts'
import type { Asked, Refusal, Run } from './asked.ts'
import { makeInvite } from './invites.ts'
import { startJoining } from './spaces.ts'

/** One row: the seed of the key that a request was made with. It outlives a reload, since people change apps to carry a text across. */
const PARTITION = 'linking'
const KEY = new Uint8Array([0])
const NO_AAD = new Uint8Array()

export async function askToLink({ engine, turn, asker }: Asked): Promise<Refusal> {
  const wrong = mayBecome(engine)
  if (wrong !== undefined) return wrong
  const { suite, random } = engine.world
  const seed = random.bytes(32)
  turn.out.put(PARTITION, KEY, seed)
  turn.out.reply(asker, { request: encodeLinkRequest((await suite.boxKey(seed)).publicKey, (b) => suite.sha256(b)) })
  return undefined
}

export async function linkDevice({ engine, turn, asker }: Asked, c: Run<'link-device'>): Promise<Refusal> {
  const { suite } = engine.world
  const boxPk = decodeLinkRequest(c.request, (b) => suite.sha256(b))
  if (boxPk === undefined || engine.meRecord === undefined) return fail('linking-invalid', 'This is not the code of a device that wants to be linked. Let the new device show it again.')
  const links: string[] = [], missing: SpaceId[] = []
  let room = MAX_ANSWER_BYTES - 1000
  for (const replica of engine.replicas.values()) {
    if (replica.state() !== 'member') continue
    const made = links.length < MAX_LINKED_SPACES ? await makeInvite({ engine, turn, asker, replica }, { uses: 1, expiresInMs: LINKING_MS, base: undefined, role: undefined }) : fail('limit-reached')
    if ('code' in made || made.link.length > room) { missing.push(replica.id); continue }
    room -= made.link.length + 3
    links.push(made.link)
  }
  const { identitySeed, name } = engine.meRecord
  const sealed = await suite.sealTo(boxPk, LABELS.linking, NO_AAD, encodeLinkParcel({ identitySeed, name, links }))
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
  if (row === undefined) return NOT_FOR_US
  const box = await world.suite.boxKey(row.value)
  const plain = await world.suite.openFrom(box.secretKey, LABELS.linking, NO_AAD, sealed)
  const parcel = plain === undefined ? undefined : decodeLinkParcel(plain)
  if (parcel === undefined) return NOT_FOR_US
  const record = await makeMe(world, parcel.name, parcel.identitySeed)
  saveMe(turn, record)
  turn.out.delete(PARTITION, KEY)
  const me = await restoreMe(world.suite, record)
  engine.setMe(me, record)
  let spaces = 0
  for (const text of parcel.links) {
    const link = decodeLink(text, (b) => world.suite.sha256(b))
    if (link === undefined || link === 'newer' || link.secret.length !== INVITE_SECRET_BYTES) continue
    if ((await startJoining(engine, turn, me, text, link, undefined)) === undefined) spaces++
  }
  turn.out.reply(asker, { identity: me.identity, device: me.device, name: me.name, spaces })
  engine.telling.me(turn)
  engine.telling.spaces(turn)
  return undefined
}

/** Becoming somebody else would leave behind the spaces that this device is in: it must be in none. */
const mayBecome = (engine: Engine): Refusal => (engine.replicas.size > 0 ? fail('already-set-up', 'This device is in spaces already. Link one that is in none.') : undefined)

const NOT_FOR_US: ApiError = fail('linking-invalid', 'This answer is damaged, or was made for another device. Start again on both.')
