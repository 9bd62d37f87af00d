/** What a space says when it holds as many as it can. */
import { afterEach, expect, test, vi } from 'vitest'
import { RELAY, Room } from './engines.test-support.ts'
import { MAX_DEVICES } from './limits.ts'
import { Authority } from './space/authority.ts'

afterEach(() => { vi.restoreAllMocks() })

test('G19 a full space lets nobody in and says so: to who follows a link, to who would make one, but not to who is a member', async () => {
  const room = new Room()
  const alice = await room.person('Alice'), bob = await room.person('Bob'), carol = await room.person('Carol')
  const { space } = await room.ask(alice, { type: 'create-space', name: 'Town', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  await room.ask(bob, { type: 'join', link })
  vi.spyOn(Authority.prototype, 'deviceCount', 'get').mockReturnValue(MAX_DEVICES)
  const full = { ok: false, error: { code: 'limit-reached', message: expect.stringContaining('full') } }
  expect(await room.reply(carol, { type: 'join', link })).toMatchObject(full)
  expect(await room.reply(alice, { type: 'create-invite', space })).toMatchObject(full)
  expect(await room.reply(bob, { type: 'join', link })).toMatchObject({ ok: false, error: { code: 'already-member' } })
  // Somebody left in the meantime: the same link works again.
  vi.spyOn(Authority.prototype, 'deviceCount', 'get').mockReturnValue(MAX_DEVICES - 1)
  expect(await room.reply(carol, { type: 'join', link })).toMatchObject({ ok: true })
})
