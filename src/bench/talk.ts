/**
 * People at real browsers, on the production build, with a real relay between them: joining, writing, meeting. The times come from the pages themselves
 * (stopwatch.ts); who presses the keys is a robot, and where its own time counts, the figure says so.
 */
import type { Person } from '../../e2e/person.ts'
import { channelFloor, sendFloor } from './floors.ts'
import { Stage } from './stage.ts'
import { type Figure, median, quantile, spread } from './table.ts'

/** How often each thing is done. */
export interface Often { readonly joins: number; readonly messages: number; readonly dials: number; readonly channels: number }
const USUAL: Often = { joins: 5, messages: 60, dials: 7, channels: 8 }
/** Ms that a pointer rests on a channel before it is pressed, at least. */
const REST_MS = 150
const PATIENCE_MS = 60_000
/** The workload's usual length. */
const textOf = (n: number, about: string): string => `Message ${n} of ${about}: `.padEnd(124, 'the_slugs_have_eaten_all_of_the_salad_again;')

export async function benchTalk(often = USUAL): Promise<Figure[]> {
  const stage = await Stage.open()
  try {
    return [...await joins(stage, often.joins), ...await talks(stage, often.messages), ...await dials(stage, often.dials), ...await clicks(stage, often.channels)]
  } finally {
    await stage.end()
  }
}

/** When this person's page saw this first, by the wall clock; waits for it. */
async function when(person: Person, what: string): Promise<number> {
  const found = await person.page.waitForFunction((what) => globalThis.noted?.[what], what, { timeout: PATIENCE_MS }).catch((error: unknown) => {
    throw new Error(`${person.name} never saw "${what}"\n${person.console.slice(-20).join('\n')}`, { cause: error })
  })
  return await found.jsonValue() ?? Number.NaN
}

async function say(person: Person, text: string): Promise<void> {
  await person.composer().fill(text)
  await person.composer().press('Enter')
}

// ---- from a link to the first message ----

async function joins(stage: Stage, count: number): Promise<Figure[]> {
  const alice = stage.person('Alice'), first = 'Welcome to the allotment'
  await alice.start()
  await alice.createSpace('Allotment')
  await say(alice, first)
  const link = await alice.invite()
  await when(alice, `saved: ${first}`)
  await alice.everythingIsAtTheRelay()
  const online = await joinOften(stage, link, first, 'Bob', count)
  await alice.everythingIsAtTheRelay()
  await alice.leave()
  const offline = await joinOften(stage, link, first, 'Carol', count)
  return [...joinFigures('inviter online', online), ...joinFigures('inviter offline', offline)]
}

interface Joined { readonly form: number; readonly all: number; readonly fromPress: number }

async function joinOften(stage: Stage, link: string, first: string, name: string, count: number): Promise<Joined[]> {
  const out: Joined[] = []
  for (let n = 1; n <= count; n++) {
    const person = stage.person(`${name}${n}`)
    await person.join(link)
    const seen = await when(person, `row: ${first}`), pressed = await when(person, 'pressed Join'), asked = await when(person, 'asked for a name')
    const begun = await person.page.evaluate(() => performance.timeOrigin)
    out.push({ form: asked - begun, all: seen - begun, fromPress: seen - pressed })
    await person.everythingIsAtTheRelay()
    await person.leave()
  }
  return out
}

function joinFigures(how: string, joined: readonly Joined[]): Figure[] {
  return [
    ...spread(`link to first message, ${how}`, joined.map((each) => each.all), 'ms', 'fresh profile; with the robot that types the name and presses Join'),
    ...spread(`  of it, link to the first screen`, joined.map((each) => each.form), 'ms'),
    ...spread(`  of it, Join pressed to first message`, joined.map((each) => each.fromPress), 'ms'),
  ]
}

// ---- from Enter to the other's screen ----

async function talks(stage: Stage, messages: number): Promise<Figure[]> {
  const alice = stage.person('Alice'), bob = stage.person('Bob'), carol = stage.person('Carol', { webrtc: false })
  await alice.start()
  await alice.createSpace('Potting shed')
  await bob.join(await alice.invite())
  await when(bob, 'path: direct')
  await when(alice, 'path: direct')
  const [here, there] = [await alice.bareTab(), await bob.bareTab()]
  const floor = await sendFloor(here, messages), channel = await channelFloor(here, there, messages)
  await here.close()
  await there.close()
  const direct = await talk(alice, bob, messages, 'the direct way')
  await bob.leave()
  await alice.createSpace('Greenhouse')
  await carol.join(await alice.invite())
  await when(carol, 'path: relayed')
  const relayed = await talk(alice, carol, messages, 'the way through the relay')
  await alice.leave()
  await carol.leave()
  const [put, send, trip] = [median(floor.put), median(floor.send), median(channel)]
  const arrival = 2 * put + trip / 2
  const times = (value: number, of: number): string => `${(value / of).toFixed(1)} x`
  const saved = [...direct.saved, ...relayed.saved]
  return [
    ...spread('Enter to own row on the screen', direct.own, 'ms', 'must be the next frame: 16.7'),
    ...spread('Enter to saved', saved, 'ms', `${times(median(saved), send)} the floor of this run; must 1.7 x, p95 3 x (here ${times(quantile(saved, 0.95), quantile(floor.send, 0.95))})`),
    ...spread('floor: hash, sign, encrypt, put, in the page', floor.send, 'ms'),
    ...spread('floor: one strict IndexedDB put', floor.put, 'ms'),
    ...spread('Enter to the other\'s screen, direct', direct.other, 'ms', `${times(median(direct.other), arrival)} two puts and half a round trip; frames come on top`),
    ...spread('floor: round trip of a bare RTCDataChannel', channel, 'ms'),
    ...spread('Enter to the other\'s screen, through the relay', relayed.other, 'ms', 'the other\'s browser has no WebRTC'),
  ]
}

interface Talked { readonly own: number[]; readonly saved: number[]; readonly other: number[] }

async function talk(writer: Person, reader: Person, messages: number, about: string): Promise<Talked> {
  const out: Talked = { own: [], saved: [], other: [] }
  for (let n = 1; n <= messages; n++) {
    const text = textOf(n, about)
    await say(writer, text)
    const [enter, own, saved, other] = await Promise.all([when(writer, `enter: ${text}`), when(writer, `row: ${text}`), when(writer, `saved: ${text}`), when(reader, `row: ${text}`)])
    out.own.push(own - enter)
    out.saved.push(saved - enter)
    out.other.push(other - enter)
  }
  return out
}

// ---- from nothing to a direct path ----

async function dials(stage: Stage, count: number): Promise<Figure[]> {
  const alice = stage.person('Alice'), bob = stage.person('Bob')
  await alice.start()
  await alice.createSpace('Toolshed')
  await bob.join(await alice.invite())
  await when(bob, 'path: direct')
  const open: number[] = [], meet: number[] = [], dial: number[] = []
  for (let n = 0; n < count; n++) {
    await bob.restart()
    const direct = await when(bob, 'path: direct'), relay = await when(bob, 'path: relay')
    const [begun, connected] = [await when(bob, 'WebRTC: begun'), await when(bob, 'WebRTC: connected')]
    open.push(direct - await bob.page.evaluate(() => performance.timeOrigin))
    meet.push(direct - relay)
    dial.push(connected - begun)
  }
  return [
    ...spread('app opened to a direct path', open, 'ms'),
    ...spread('  of it, relay reached to a direct path: presence, and dial through the relay', meet, 'ms', 'libp2p alone dials in 125-270'),
    ...spread('  of it, WebRTC from its first call to connected', dial, 'ms'),
  ]
}

// ---- from a press on a channel to what is said there ----

async function clicks(stage: Stage, count: number): Promise<Figure[]> {
  const alice = stage.person('Alice')
  await alice.start()
  await alice.createSpace('Orchard')
  const names = (way: string): string[] => Array.from({ length: count }, (_, n) => `${way}${n}`)
  const all = [...names('cold'), ...names('warm')]
  for (const name of all) {
    await alice.createChannel(name)
    for (let n = 0; n < 30; n++) await say(alice, textOf(n, name))
    await when(alice, `saved: ${textOf(29, name)}`)
  }
  // A page that has not seen them.
  await alice.restart()
  const times = new Map<string, number[]>([['cold', []], ['warm', []]])
  for (const name of all) {
    const row = alice.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name, exact: true })
    if (name.startsWith('warm')) { await row.hover(); await alice.page.waitForTimeout(REST_MS) }
    // Without a pointer that comes near.
    await row.evaluate((button) => { (button as unknown as { click(): void }).click() })
    const [seen, pressed] = [await when(alice, `row: ${textOf(29, name)}`), await when(alice, `pressed ${name}`)]
    times.get(name.slice(0, 4))?.push(seen - pressed)
  }
  await alice.leave()
  return [
    ...spread('channel pressed to its messages, never opened', times.get('cold') ?? [], 'ms'),
    ...spread('channel pressed to its messages, pointer on it before', times.get('warm') ?? [], 'ms', `${REST_MS} ms before`),
  ]
}
