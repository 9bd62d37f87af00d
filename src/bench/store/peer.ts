/** Everybody but the newcomer, in one worker: they write, and the first of them serves the newcomer over a line of messages. */
import { type Person, readFrom, Room } from '../../engine/engines.test-support.ts'
import type { Input } from '../../engine/input.ts'
import type { Op } from '../../wire/op.ts'
import { Circle } from '../circle.ts'
import { sentences } from '../language.ts'
import { floors } from './floors.ts'
import { work, type MovedRows } from './jobs.ts'

/** Messages handed to the one who serves at once. */
const PIECE = 2000
/** Messages whose bytes stay here, for the floors. */
const KEPT = 20_000
const SECOND_MS = 1000

let circle: Circle | undefined
let count = 0
const said: { readonly id: Op['id']; readonly order: number }[] = [], kept: Op[] = []
const sentence = sentences()
let queue: Input[] = []
let serving: Promise<void> | undefined

function here(): Circle {
  if (circle === undefined) throw new Error('nobody has gathered')
  return circle
}

const people = (): { readonly alice: Person; readonly bob: Person } => {
  const [alice, bob] = here().people as [Person, Person]
  return { alice, bob }
}

/** All that a person has. */
const rowsOf = (person: Person): MovedRows => [...person.disk.snapshot().partitions].flatMap(([partition, { entries }]) => (
  entries.flatMap(({ key, value }) => (value === undefined ? [] : [[partition, key, value] as const]))
))

async function say(upTo: number): Promise<void> {
  const { alice, bob } = people()
  while (count < upTo) {
    const fresh = Math.min(PIECE, upTo - count)
    here().room.now += fresh * SECOND_MS
    const ops = await here().say(fresh, sentence, here().people.filter((person) => person !== bob), [alice])
    await here().give(alice, ops)
    // Nobody reads over her shoulder.
    here().replica(alice).takeFresh()
    for (const op of ops) { said.push({ id: op.id, order: op.header.hlc }); if (kept.length < KEPT) kept.push(op) }
    count += fresh
  }
}

/** One input after the other, as a host does it. */
async function serve(port: MessagePort): Promise<void> {
  const { alice } = people()
  for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
    const step = await alice.engine.step(input, here().room.now)
    await alice.disk.save(step.saves)
    const rows: Input[] = []
    for (const read of step.reads) rows.push(await readFrom(alice.disk, read))
    queue = [...rows, ...queue]
    for (const send of step.sends) if (send.type === 'frame' && send.peer === people().bob.peer) port.postMessage(send.bytes)
  }
  serving = undefined
}

work({
  async gather({ authors }) {
    circle = await Circle.gather(authors + 1, new Room('webcrypto'))
    const { alice, bob } = people(), { space, channel, room } = circle
    return { space, channel, now: room.now, peer: bob.peer, other: alice.peer, newcomer: rowsOf(bob) }
  },
  async say({ upTo }) {
    const start = performance.now()
    await say(upTo)
    return { ms: performance.now() - start }
  },
  some: async ({ count: wanted }) => Array.from({ length: wanted }, (_, n) => said[Math.floor(((n * 0.618034) % 1) * said.length)] as (typeof said)[number]),
  floors: ({ count: wanted }) => floors(kept.slice(0, wanted)),
}, (port) => {
  const { bob } = people()
  queue.push(...here().people.map((person): Input => ({ type: 'peer-down', peer: person.peer })), { type: 'peer-up', peer: bob.peer, path: 'direct' })
  port.onmessage = ({ data }: MessageEvent<Uint8Array>) => {
    queue.push({ type: 'frame', peer: bob.peer, bytes: data })
    serving ??= serve(port)
  }
  serving ??= serve(port)
})
