/** What befalls people: processes that end, disks that fail, networks that part, relays that forget. */
import type { Engine } from '../engine/engine.ts'
import { relayKeysPartition } from '../engine/relay-keys.ts'
import { TALLY_KEY } from '../engine/tally.ts'
import { ME_KEY, SECOND_PARTITION } from '../engine/twice.ts'
import { equal, toHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId } from '../wire/ids.ts'
import type { LostRow } from './damage.ts'
import type { Deed } from './deeds.ts'
import { type People, SMALL_SKEW_MS } from './people.ts'

/** How often each is drawn, against the others and against what people do. */
export const MISHAPS: readonly (readonly [number, Deed])[] = [[4, crash], [3, breakDisk], [3, partition], [4, mend], [2, relayTrouble], [2, changeWeather]]

/** These too where a plan is wide. */
export const WIDE_MISHAPS: readonly (readonly [number, Deed])[] = [[2, putBack], [2, turnClock], [2, damage]]

const FULL_MS = 30_000
const DAY_MS = 24 * 3600_000

function crash(p: People): void {
  const node = p.pick(p.running)
  if (node === undefined) return
  const how = p.chance.int(3)
  if (how === 0) node.kill()
  else node.nextSave = how === 1 ? 'die-before' : 'die-after'
}

/** One save fails; or all do, until somebody makes room. */
function breakDisk(p: People): void {
  const node = p.pick(p.running)
  if (node === undefined) return
  if (p.chance.percent(50)) { node.nextSave = 'fail'; return }
  node.fullUntil = p.now + p.chance.between(1, FULL_MS)
  p.note(`${node.name}'s disk is full`)
}

/** A disk loses what it said it had, or its person restores a backup. Whoever made a space since would have nothing left to judge it by. */
function putBack(p: People): void {
  // A second one has only a certificate: it would be stuck (S9).
  const node = p.pick(p.nodes.filter(({ isSecond }) => !isSecond))
  const past = node === undefined ? undefined : p.pick(node.past)
  if (node === undefined || past === undefined || p.setting.office.hasWithheld || p.setting.office.hasForgotten || p.spaces.some((space) => space.creator === node && space.madeAt >= past.at)) return
  node.putBack(past)
  p.note(`${node.name}'s disk is as it was ${p.now - past.at} ms ago`)
}

/**
 * A page of a disk is damaged: whoever is running finds it when they come upon it, at the next start, or when they have all of it read. Where it takes the ends of chains the device goes by what
 * others tell, as one whose disk was put back.
 */
function damage(p: People): void {
  const node = p.pick(p.running.filter(({ isSecond }) => !isSecond)), engine = node?.engine
  if (node === undefined || engine === undefined || p.setting.office.hasWithheld || p.setting.office.hasForgotten) return
  const rows = node.loseRows(p.chance, (rows, all) => staysLost(engine, rows, all)), how = p.chance.int(3)
  if (rows.length === 0) return
  p.setting.checks.struck(node, rows)
  p.note(`${node.name}'s disk has lost ${rows.length} rows of ${[...new Set(rows.map(({ partition }) => partition.split('/')[0]))].join()}`)
  if (how === 0) node.kill()
  if (how === 1) p.ask(node, { type: 'check-storage' })
}

/** What nothing brings back: who the device is, or in which spaces, at both ends of the disk (twice.ts), and what else it keeps of its own; all keys of a space at once, with the states that could tell them again, since by these the others are found; relay keys together with acts, as the newest may be from before one's own keys; and branches of a chain, as a place is asked for, and one op fills it. */
function staysLost({ replicas }: Engine, rows: readonly LostRow[], all: readonly LostRow[]): boolean {
  const isKept = ({ partition, key }: LostRow): boolean => (partition === 'me' && equal(key, ME_KEY)) || partition === 'spaces' || partition === SECOND_PARTITION
  // A count that is lost makes the disk older than it is, which is noticed (S22).
  const own = rows.filter(({ partition, key }) => !partition.includes('/') && !(partition === 'me' && equal(key, TALLY_KEY)))
  if (own.some((row) => !isKept(row) || !all.some((other) => other !== row && isKept(other) && equal(other.key, row.key) && !own.includes(other)))) return true
  return [...replicas.values()].some(({ id, log }) => {
    const lost = new Set(rows.filter(({ partition }) => partition === `keys/${id}`)), isForked = (key: Uint8Array): boolean => log.tipsOf(AUTHORITY_CHANNEL, toHex(key.subarray(0, 32)) as DeviceId).length > 1
    const hasKey = all.some((row) => row.partition === `keys/${id}` && !lost.has(row))
    const isLost = (name: string): boolean => rows.some(({ partition }) => partition === name)
    return (lost.size > 0 && !hasKey && isLost(`states/${id}`)) || (isLost(relayKeysPartition(id)) && isLost(`ops/${id}/${AUTHORITY_CHANNEL}`)) || rows.some(({ partition, key }) => partition === `ops/${id}/${AUTHORITY_CHANNEL}` && isForked(key))
  })
}

/** A clock goes wrong, by up to a year, or its person sets it right. Alice's stays right, so that somebody can always be invited. */
function turnClock(p: People): void {
  const node = p.pick(p.nodes.filter(({ isSpare }) => !isSpare).slice(1))
  if (node === undefined) return
  const draw = p.chance.int(4)
  node.setClock(draw < 2 ? 0 : draw === 2 ? p.chance.between(-SMALL_SKEW_MS, SMALL_SKEW_MS) : p.chance.between(-364, 364) * DAY_MS)
  p.note(`${node.name}'s clock is wrong by ${node.skewMs} ms`)
}

/** Two or three sides; relays fall on sides as machines do. */
function partition(p: People): void {
  const sides = p.chance.between(2, 3)
  const machines = [...p.nodes.map((node) => node.name), ...p.relays]
  p.setting.ether.partition(new Map(machines.map((machine) => [machine, p.chance.int(sides)])))
  p.note(`a partition into ${sides}`)
  p.setting.office.lookAround()
}

export function mend(p: People): void {
  p.setting.ether.partition(new Map())
  p.note('no partition')
  p.setting.office.lookAround()
}

function relayTrouble(p: People): void {
  const { office } = p.setting
  const relay = p.pick([...office.relays.values()])
  if (relay === undefined) return
  switch (p.chance.int(5)) {
    case 0: case 1: relay.isUp = !relay.isUp; break
    case 2:
      if (p.nodes.some(({ wasPutBack }) => wasPutBack)) break
      relay.withholds = !relay.withholds
      office.hasWithheld = true
      break
    case 3: office.replay(relay); break
    case 4:
      // Whose disk was put back goes by what relays tell: one that has lost their own words, or hides them, makes them fork their chain, and nothing they have could show it.
      if (office.isLeft || p.nodes.some(({ wasPutBack }) => wasPutBack)) break
      office.forget(relay)
      p.note(`relay ${relay.url} forgets everything`)
  }
  p.note(`relay ${relay.url}: ${relay.isUp ? 'up' : 'down'}${relay.withholds ? ', withholds' : ''}`)
  office.lookAround()
  if (!relay.withholds) office.pushAll()
}

function changeWeather(p: People): void {
  const { chance } = p
  const slow = chance.percent(30)
  p.setting.ether.weather = {
    latency: slow ? { from: 200, to: 3000 } : { from: 5, to: 120 }, gossipLoss: chance.pick([0, 10, 60]) ?? 0, gossipDoubles: chance.pick([0, 30]) ?? 0,
    breaks: chance.pick([0, 5, 50]) ?? 0, deafDials: chance.pick([0, 20, 60]) ?? 0,
  }
}
