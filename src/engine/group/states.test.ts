import { expect, test } from 'vitest'
import type { EpochId } from '../../wire/ids.ts'
import { createGroup, encodeState, epochAuthenticator } from './mls.ts'
import { GROUP, people } from './mls-people.ts'
import { States } from './states.ts'

test('a state from the disk is what it was, and a row that is none is as if Alice had never been in that epoch', async () => {
  const world = await people(1), made = await createGroup(world.ctx, await world.person(), GROUP), [whole, cut] = ['a', 'b'].map((n) => n.repeat(64) as EpochId) as [EpochId, EpochId]
  const states = new States()
  states.restore(whole, encodeState(made))
  states.restore(cut, encodeState(made).subarray(1))
  expect([...states.keys()]).toEqual([whole, cut])
  const found = states.get(whole)
  expect(found && epochAuthenticator(found)).toEqual(epochAuthenticator(made))
  expect(states.get(whole)).toBe(found)
  expect(states.has(cut)).toBe(true)
  expect(states.get(cut)).toBeUndefined()
  expect(states.has(cut)).toBe(false)
  states.delete(whole)
  expect(states.size).toBe(0)
})
