/** Where Alice's identity is, where it is not, and how it comes back. */
import { expect, test } from 'vitest'
import { encodeMe } from '../../wire/records.ts'
import type { Command, MeInfo } from '../../api.ts'
import { Allotment } from '../allotment.test-support.ts'
import { type Person, Room } from '../engines.test-support.ts'
import { makeMe } from '../me.ts'

const deviceOf = (person: Person): NonNullable<Person['engine']['me']>['device'] => {
  if (person.engine.me === undefined) throw new Error(`${person.name} is nobody yet`)
  return person.engine.me.device
}
const lastMe = (person: Person): MeInfo | undefined => person.updates.flatMap((u) => (u.type === 'me' ? [u.me] : [])).at(-1)

async function wrong(room: Room, person: Person, command: Command): Promise<string | undefined> {
  const reply = await room.reply(person, command)
  return reply?.ok === false ? `${reply.error.code}: ${reply.error.message}` : undefined
}

/** Alice's laptop, her linked phone, and Bob. */
async function aPhone(): Promise<{ readonly h: Allotment; readonly bob: Person; readonly phone: Person }> {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const phone = await h.room.person('phone', true)
  await h.links(h.alice, phone)
  await h.room.pass(5000)
  return { h, bob, phone }
}

test('A34 Alice’s phone writes as her and has no secret of hers: it can link no device, end none, sign no recovery, and show no phrase', async () => {
  const { h, bob, phone } = await aPhone()
  await h.say(phone, 'From the phone')
  await h.room.pass(2000)
  expect(await h.texts(bob)).toEqual(['Alice: From the phone'])
  expect([lastMe(h.alice)?.hasPhrase, lastMe(phone)?.hasPhrase]).toEqual([true, false])
  const tablet = await h.room.person('tablet', true)
  const { request } = await h.room.ask(tablet, { type: 'ask-to-link' })
  const refused = await h.room.reply(phone, { type: 'link-device', request })
  expect(refused?.ok === false && refused.error).toEqual({ code: 'needs-phrase', message: 'This device can’t do that by itself. Do it on the device where you began, or enter your recovery phrase here first: Settings, Devices.' })
  expect((await h.refusal(phone, { type: 'revoke-device', device: deviceOf(h.alice) }))?.code).toBe('needs-phrase')
  expect(await wrong(h.room, phone, { type: 'recovery-phrase' })).toMatch(/^needs-phrase: The recovery phrase is not on this device/)
  await h.does(h.alice, { type: 'set-recovery', threshold: 1, members: [h.id(h.alice), h.id(bob)] })
  expect((await h.refusal(phone, { type: 'sign-recovery', member: h.id(bob) }))?.code).toBe('needs-phrase')
  expect((await h.refusal(phone, { type: 'recover', member: h.id(bob), signatures: [] }))?.code).toBe('needs-phrase')
  // What others in the set gave it is enough without its own.
  const { signature } = await h.does(bob, { type: 'sign-recovery', member: h.id(bob) })
  await h.does(phone, { type: 'recover', member: h.id(bob), signatures: [signature] })
  expect((await h.sees(bob, bob))?.role).toBe('owner')
  // None of it hangs on what the device remembers while it runs.
  await phone.restart()
  await h.room.pass(1000)
  expect(await wrong(h.room, phone, { type: 'recovery-phrase' })).toMatch(/^needs-phrase/)
})

test('A34 the phone signs itself out, without the phrase: Bob and the laptop see it gone, and it says nothing more', async () => {
  const { h, bob, phone } = await aPhone()
  await h.say(phone, 'Last words')
  await h.room.pass(2000)
  const gone = deviceOf(phone)
  await h.does(phone, { type: 'revoke-device', device: gone })
  await h.room.pass(5000)
  for (const person of [h.alice, bob]) expect(person.space(h.space).authority.state.devices.has(gone)).toBe(false)
  expect(await h.texts(bob)).toEqual(['Alice: Last words'])
  expect((await h.refusal(phone, { type: 'send-message', channel: h.channel, text: 'Still here' }))?.code).toBe('not-a-member')
  await h.say(h.alice, 'From the laptop')
  await h.room.pass(2000)
  expect(await h.texts(bob)).toEqual(['Alice: Last words', 'Alice: From the laptop'])
  expect(h.alice.space(h.space).groups.tree.nodes.get(h.alice.space(h.space).groups.tip() as never)?.leaves).not.toContain(gone)
})

test('A34 neither the answer to the phone nor what is on its disk has the laptop’s secret in it', async () => {
  const { h, phone } = await aPhone()
  const held = h.alice.engine.meRecord?.identity, has = phone.engine.meRecord?.identity
  if (held?.type !== 'held' || has?.type !== 'certified') expect.fail('the laptop has no secret, or the phone has')
  const secrets = [held.secret, h.alice.engine.me?.identityKey?.secretKey ?? new Uint8Array()].map((bytes) => bytes.toString())
  for (const { value } of await phone.disk.range('me', { limit: 10 })) for (const secret of secrets) expect(value.toString()).not.toContain(secret)
  expect(secrets.map((secret) => secret.length > 30)).toEqual([true, true])
})

test('A34 the phone is stolen and signed out: with all it has, the thief comes back by no link', async () => {
  const { h, phone } = await aPhone()
  const { link } = await h.does(phone, { type: 'create-invite' })
  await h.does(h.alice, { type: 'revoke-device', device: deviceOf(phone) })
  await h.room.pass(2000)
  expect((await h.room.ask(phone, { type: 'list-spaces' })).spaces[0]?.state).toBe('removed')
  // Another device with the phone's keys and certificate, and every link it knows.
  const copy = await h.room.person('copy', true)
  if (phone.engine.meRecord === undefined) expect.fail('the phone is nobody')
  await copy.disk.save([{ type: 'put', partition: 'me', key: new Uint8Array([0]), value: encodeMe(phone.engine.meRecord) }])
  await copy.restart()
  for (const known of [h.link, link]) {
    copy.queue.push({ type: 'command', client: 1, id: 9000, command: { type: 'join', link: known } })
    await h.room.pass(30_000)
  }
  await h.say(h.alice, 'Not for thieves')
  await h.room.pass(5000)
  expect(h.alice.space(h.space).authority.state.devices.has(deviceOf(phone))).toBe(false)
  expect(await h.inGroup(h.alice)).toEqual(['Alice', 'Bob'])
  const spaces = (await h.room.ask(copy, { type: 'list-spaces' })).spaces
  expect(spaces.filter((space) => space.state === 'member')).toEqual([])
})

test('A34 Alice enters her phrase on the phone: from then on it can do what the laptop can, and signs the laptop out', async () => {
  const { h, phone } = await aPhone()
  const { phrase } = await h.room.ask(h.alice, { type: 'recovery-phrase' })
  expect(phrase.split(' ')).toHaveLength(12)
  const before = deviceOf(phone)
  await h.room.ask(phone, { type: 'enter-phrase', phrase: ` ${phrase.toUpperCase()}\n` })
  expect([deviceOf(phone), lastMe(phone)?.hasPhrase]).toEqual([before, true])
  expect(await h.room.ask(phone, { type: 'recovery-phrase' })).toEqual({ phrase })
  await phone.restart()
  await h.room.pass(2000)
  const tablet = await h.room.person('tablet', true)
  await h.links(phone, tablet)
  await h.room.pass(5000)
  await h.say(tablet, 'From the tablet')
  await h.does(phone, { type: 'revoke-device', device: deviceOf(h.alice) })
  await h.room.pass(5000)
  expect(await h.texts(phone)).toEqual(['Alice: From the tablet'])
  expect((await h.room.ask(h.alice, { type: 'list-spaces' })).spaces[0]?.state).toBe('removed')
})

test('A34 a phrase with a slip, or of somebody else, is refused in words that say where to look', async () => {
  const { h, bob, phone } = await aPhone()
  const { phrase } = await h.room.ask(h.alice, { type: 'recovery-phrase' }), words = phrase.split(' ')
  const tries = (text: string): Promise<string | undefined> => wrong(h.room, phone, { type: 'enter-phrase', phrase: text })
  expect(await tries(words.slice(1).join(' '))).toBe('phrase-invalid: This is no recovery phrase, or a word in it is wrong. Compare it with what you wrote down, word by word.')
  expect(await tries(words.with(3, 'tomatoe').join(' '))).toBe('phrase-invalid: “tomatoe” is not a word of any recovery phrase. Compare it with what you wrote down.')
  const { phrase: bobs } = await h.room.ask(bob, { type: 'recovery-phrase' })
  expect(await tries(bobs)).toMatch(/^phrase-invalid: This is the recovery phrase of somebody else/)
  expect(lastMe(phone)?.hasPhrase).toBe(false)
})

test('A9, A34 Alice has lost all but the phrase: a new device is hers again, and Bob’s link lets her in as the owner she is', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  await h.say(h.alice, 'Before the fire')
  const { phrase } = await h.room.ask(h.alice, { type: 'recovery-phrase' })
  const alice = h.id(h.alice), lost = deviceOf(h.alice)
  await h.room.pass(5000)
  h.room.leaves(h.alice)
  const fresh = await h.room.person('fresh', true)
  expect(await wrong(h.room, fresh, { type: 'enter-phrase', phrase })).toMatch(/^name-empty/)
  expect((await h.room.ask(fresh, { type: 'enter-phrase', phrase, name: ' Alice ' })).identity).toBe(alice)
  const { link } = await h.does(bob, { type: 'create-invite' })
  await h.room.ask(fresh, { type: 'join', link })
  await h.room.pass(5000)
  expect(await h.texts(fresh)).toEqual(['Alice: Before the fire'])
  expect(await h.sees(bob, fresh)).toMatchObject({ member: alice, role: 'owner' })
  await h.does(fresh, { type: 'revoke-device', device: lost })
  await h.room.pass(2000)
  expect(bob.space(h.space).authority.state.devices.has(lost)).toBe(false)
})

test('A34 a disk from before there were phrases: its identity is the same, its phrase has 24 words, and what it links gets a certificate only', async () => {
  const room = new Room(), laptop = await room.person('Alice'), phone = await room.person('phone', true), tablet = await room.person('tablet', true)
  // Version 1 as it was: the identity's seed itself, of which the certificate was made.
  const old = await makeMe(laptop.engine.world, 'Alice', new Uint8Array(32).fill(7))
  await laptop.disk.save([{ type: 'put', partition: 'me', key: new Uint8Array([0]), value: encodeMe(old) }])
  laptop.tally = undefined
  await laptop.restart()
  const { space, channel } = await room.ask(laptop, { type: 'create-space', name: 'Allotment', relays: ['http://relay.test'] })
  const { phrase } = await room.ask(laptop, { type: 'recovery-phrase' })
  expect(phrase.split(' ')).toHaveLength(24)
  const { request } = await room.ask(phone, { type: 'ask-to-link' })
  const { answer } = await room.ask(laptop, { type: 'link-device', request })
  await room.ask(phone, { type: 'finish-link', answer })
  await room.pass(5000)
  await room.ask(phone, { type: 'send-message', space, channel, text: 'Hello' })
  expect(await wrong(room, phone, { type: 'recovery-phrase' })).toMatch(/^needs-phrase/)
  // Two devices that both had the seed went on as they were: each still certifies.
  await room.ask(phone, { type: 'enter-phrase', phrase })
  const again = await room.ask(tablet, { type: 'ask-to-link' })
  await room.ask(tablet, { type: 'finish-link', answer: (await room.ask(phone, { type: 'link-device', request: again.request })).answer })
  await room.pass(5000)
  expect((await room.ask(laptop, { type: 'list-devices', space })).devices.filter((device) => device.mine)).toHaveLength(3)
})

test('S9, A34 the linked phone is put back to an earlier state: it signs nothing more until the phrase is entered, or the laptop links it again', async () => {
  for (const way of ['phrase', 'link'] as const) {
    const { h, bob, phone } = await aPhone()
    await h.say(phone, 'Before the backup')
    await h.room.pass(5000)
    const backup = phone.disk.snapshot(), before = deviceOf(phone)
    await h.say(phone, 'After the backup')
    await h.room.pass(5000)
    await phone.putBack(backup)
    await h.room.pass(20_000)
    await h.say(phone, 'Where was I?')
    await phone.restart()
    await h.room.pass(20_000)
    expect(lastMe(phone)).toMatchObject({ device: before, stuck: true })
    expect(phone.updates.flatMap((u) => (u.type === 'notice' ? [u.error.code] : []))).toContain('put-back')
    expect(await h.texts(bob)).toEqual(['Alice: Before the backup', 'Alice: After the backup'])
    if (way === 'phrase') await h.room.ask(phone, { type: 'enter-phrase', ...await h.room.ask(h.alice, { type: 'recovery-phrase' }) })
    else await h.links(h.alice, phone)
    await h.room.pass(20_000)
    expect(lastMe(phone)).toMatchObject({ stuck: false, hasPhrase: way === 'phrase' })
    expect(deviceOf(phone)).not.toBe(before)
    expect(await h.texts(bob)).toEqual(['Alice: Before the backup', 'Alice: After the backup', 'Alice: Where was I?'])
    expect([...bob.space(h.space).receiving.forks.keys()]).toEqual([])
  }
})
