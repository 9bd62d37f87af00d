/** A space whose owner is lost, and those whom the owner had named. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'

test('Alice is lost; two of the three she named make Carol the owner', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  await h.does(h.alice, { type: 'set-recovery', threshold: 2, members: [bob, carol, dave].map((p) => h.id(p)) })
  expect((await h.does(bob, { type: 'get-recovery' })).recovery).toMatchObject({ threshold: 2, maySign: true, members: expect.arrayContaining([h.id(bob), h.id(carol), h.id(dave)]) })
  h.room.leaves(h.alice)
  expect(await h.refusal(carol, { type: 'recover', member: h.id(carol), signatures: [] })).toMatchObject({ code: 'recovery-incomplete', message: '1 of 2 signatures are here. Ask the others of the recovery set for theirs.' })
  const { signature } = await h.does(dave, { type: 'sign-recovery', member: h.id(carol) })
  await h.does(carol, { type: 'recover', member: h.id(carol), signatures: [`  ${signature}\n`] })
  await h.room.pass(5000)
  expect((await h.members(bob)).map((m) => [m.name, m.power])).toEqual([['Carol', 100], ['Alice', 0], ['Bob', 0], ['Dave', 0]])
  await h.room.comesBack(h.alice)
  await h.room.pass(5000)
  expect(await h.refusal(h.alice, { type: 'set-recovery', threshold: 1, members: [h.id(bob)] })).toMatchObject({ reason: 'owner-only' })
  // The set was the old owner's: it goes on until the new one names another.
  expect((await h.does(carol, { type: 'get-recovery' })).recovery?.threshold).toBe(2)
})

test('each signature that does not count says whose it is and what is wrong with it', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  expect(await h.refusal(bob, { type: 'sign-recovery', member: h.id(bob) })).toMatchObject({ code: 'no-recovery' })
  await h.does(h.alice, { type: 'set-recovery', threshold: 2, members: [h.id(bob), h.id(carol)] })
  const early = await h.does(bob, { type: 'sign-recovery', member: h.id(carol) })
  expect(await h.refusal(dave, { type: 'sign-recovery', member: h.id(dave) })).toMatchObject({ code: 'not-allowed' })
  const forBob = await h.does(bob, { type: 'sign-recovery', member: h.id(bob) })
  const tries = async (signature: string) => (await h.refusal(carol, { type: 'recover', member: h.id(carol), signatures: [signature] }))?.message
  expect(await tries(forBob.signature)).toBe('Bob signed for somebody else as the new owner.')
  expect(await tries(early.signature.slice(0, -2))).toBe('One of the signatures is damaged or incomplete. Ask for it again and copy all of it.')
  await h.does(h.alice, { type: 'set-recovery', threshold: 2, members: [h.id(carol), h.id(dave)] })
  expect(await tries(early.signature)).toBe('Bob is not one of the recovery set.')
  await h.does(h.alice, { type: 'set-recovery', threshold: 2, members: [h.id(bob), h.id(carol)] })
  expect(await tries(early.signature)).toBe('Bob’s signature was made for an earlier recovery set. Ask Bob to sign again.')
  expect(await h.refusal(h.alice, { type: 'set-recovery', threshold: 3, members: [h.id(bob)] })).toMatchObject({ code: 'bad-request' })
  await h.does(h.alice, { type: 'end-recovery' })
  expect(await h.refusal(carol, { type: 'recover', member: h.id(carol), signatures: [] })).toMatchObject({ code: 'no-recovery' })
})

test('A18 an owner who is there contests it: changing the set at the same time undoes the recovery', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.does(h.alice, { type: 'set-recovery', threshold: 2, members: [h.id(bob), h.id(carol)] })
  await h.apart([h.alice], async () => {
    const { signature } = await h.does(bob, { type: 'sign-recovery', member: h.id(carol) })
    await h.does(carol, { type: 'recover', member: h.id(carol), signatures: [signature] })
    expect((await h.sees(bob, carol))?.role).toBe('owner')
    await h.does(h.alice, { type: 'end-recovery' })
  })
  for (const person of [h.alice, bob, carol]) expect((await h.sees(person, h.alice))?.role).toBe('owner')
  expect(bob.updates.flatMap((u) => (u.type === 'undone' ? u.acts.map((a) => [a.kind, a.reason?.code, a.becauseOf?.byName]) : []))).toEqual([['recover', 'recovered', 'Alice']])
})
