/** The properties of authority over random histories: P1-P15 of ../RULES.md. `AUTHORITY_CASES` asks for more histories than a usual run has time for. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decisions, randomHistory } from './history.test-support.ts'
import { Reference } from './reference.test-support.ts'

const CASES = Number(process.env.AUTHORITY_CASES ?? 5000)
const SEED = process.env.AUTHORITY_SEED
const options = (share: number) => ({ numRuns: Math.ceil(CASES * share), ...(SEED === undefined ? {} : { seed: Number(SEED) }) })

test('P15 an independent resolver agrees on random histories', async () => {
  await fc.assert(fc.asyncProperty(decisions(40), async (steps) => {
    const h = await randomHistory(steps)
    const reference = new Reference(h.ops)
    const standing = h.ops.map((op) => `${op.header.type} ${op.id.slice(0, 8)} ${h.all.verdict(op.id).type}`)
    expect(standing).toEqual(h.ops.map((op) => `${op.header.type} ${op.id.slice(0, 8)} ${reference.isVoid(op.id) ? 'void' : 'valid'}`))
    const { state } = h.all, said = reference.now()
    expect([...state.members.keys()]).toEqual([...said.members].sort())
    expect(state.owner).toBe(said.owner)
    for (const [identity, member] of state.members) {
      expect(member.power).toBe(said.power(identity))
      expect(member.roles).toEqual([...(said.held.get(identity) ?? [])].sort())
    }
    expect([...state.roles].map(([role, r]) => [role, r.power, r.permissions])).toEqual([...said.roles].map(([role, r]) => [role, r.power, r.permissions]).sort())
    expect([...state.devices].map(([device, d]) => `${device} ${d.identity}`)).toEqual([...said.devices].filter(([, i]) => i !== '' && said.members.has(i)).map(([device, i]) => `${device} ${i}`).sort())
  }), options(1))
}, 600_000)
