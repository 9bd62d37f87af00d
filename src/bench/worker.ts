/**
 * The worker of the build, engine and sealed disk in it, driven from a page that has no app: what sending and reopening cost before anything is drawn.
 * The space has no relay and nobody else in it, so nothing but the engine and the disk is in the path.
 */
import type { Page } from '@playwright/test'
import type { Command, Reply } from '../api.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import type { HubToTab, PageToWorker } from '../worker/tabs.ts'
import { sendFloor } from './floors.ts'
import { workerScript } from './sizes.ts'
import { Stage } from './stage.ts'
import { type Figure, median, quantile, spread } from './table.ts'

/** Messages that the space has when a send and a reopening are measured. */
const SIZES = [0, 1000, 10_000]
const SENDS = 60
const REOPENINGS = 7
/** Commands given at once while the space is filled: fewer than the host keeps waiting. */
const AT_ONCE = 200
const TEXT = 'The slugs have eaten all of the salad again, and the neighbours say that it is our own fault for leaving the gate open at night.'

export async function benchWorker(sizes: readonly number[] = SIZES): Promise<Figure[]> {
  const stage = await Stage.open()
  try {
    const alice = stage.person('Alice')
    await alice.open(`${stage.relay.url}/favicon.svg`)
    return await measure(alice.page, sizes)
  } finally {
    await stage.end()
  }
}

async function measure(page: Page, sizes: readonly number[]): Promise<Figure[]> {
  await page.evaluate(installEngine, workerScript())
  const floor = await sendFloor(page, SENDS)
  await open(page)
  await ask(page, [{ type: 'set-up', name: 'Alice' }])
  const [made] = await ask(page, [{ type: 'create-space', name: 'Allotment', relays: [] }])
  if (!made?.ok || !('channel' in made.result) || !('space' in made.result)) throw new Error('the engine made no space')
  const { space, channel } = made.result
  // From the second opening on small saves count in a file before the database (adapters/disk-tail.ts).
  await open(page)
  const figures: Figure[] = spread('floor: hash, sign, encrypt, put', floor.send, 'ms')
  let size = 0
  for (const wanted of sizes) {
    const fillMs = await fill(page, space, channel, wanted - size)
    if (wanted >= 10_000) figures.push({ what: 'messages sent without a pause', value: (wanted - size) / (fillMs / 1000), unit: '/s', beside: 'each saved before the next' })
    const sends = await page.evaluate(async ({ space, channel, text, rounds }) => globalThis.engine?.paced({ type: 'send-message', space, channel, text }, rounds) ?? [], { space, channel, text: TEXT, rounds: SENDS })
    const ratio = (median(sends) / median(floor.send)).toFixed(1), ratio95 = (quantile(sends, 0.95) / quantile(floor.send, 0.95)).toFixed(1)
    figures.push(...spread(`send to saved, ${wanted} messages there`, sends, 'ms', `${ratio} x the floor, p95 ${ratio95} x; must 1.7 and 3`))
    size = Math.max(size, wanted) + SENDS
    if (wanted > 0) figures.push(...await reopenings(page, space, channel, wanted))
  }
  return figures
}

async function fill(page: Page, space: SpaceId, channel: ChannelId, count: number): Promise<number> {
  const start = performance.now()
  for (let left = count; left > 0; left -= AT_ONCE) {
    await ask(page, Array.from({ length: Math.min(left, AT_ONCE) }, () => ({ type: 'send-message', space, channel, text: TEXT })))
  }
  return performance.now() - start
}

async function reopenings(page: Page, space: SpaceId, channel: ChannelId, size: number): Promise<Figure[]> {
  const ready: number[] = [], shown: number[] = []
  for (let n = 0; n < REOPENINGS; n++) {
    const opening = await open(page)
    const start = performance.now()
    const [page50] = await ask(page, [{ type: 'get-messages', space, channel, limit: 50 }])
    if (!page50?.ok || !('messages' in page50.result) || page50.result.messages.length !== 50) throw new Error('the engine did not give 50 messages')
    ready.push(opening)
    shown.push(performance.now() - start)
  }
  return [
    ...spread(`reopen: worker started to disk open, ${size} messages`, ready, 'ms'),
    ...spread(`reopen: disk open to 50 messages, ${size} messages`, shown, 'ms', 'must be 25 ms at 100,000'),
  ]
}

/** Starts the worker, in place of the one that ran. Milliseconds until it takes commands. */
const open = (page: Page): Promise<number> => page.evaluate(async () => globalThis.engine?.open() ?? Number.NaN)

async function ask(page: Page, commands: readonly Command[]): Promise<Reply[]> {
  const replies = await page.evaluate(async (commands) => Promise.all(commands.map((command) => globalThis.engine?.ask(command))), commands)
  return replies.map((reply) => {
    if (!reply?.ok) throw new Error(`the engine refused: ${reply?.error.message}`)
    return reply
  })
}

interface EngineInPage {
  open(): Promise<number>
  ask(command: Command): Promise<Reply>
  /** Asks again and again with pauses, as people do; the milliseconds of each answer. */
  paced(command: Command, rounds: number): Promise<number[]>
}

declare global {
  var engine: EngineInPage | undefined
}

/** Runs in the page. */
function installEngine(script: string): void {
  const tab = 'bench', waiting = new Map<number, (reply: Reply) => void>()
  let worker: Worker | undefined, nextId = 1, term = ''
  const say = (message: PageToWorker, transfer: Transferable[] = []): void => { worker?.postMessage(message, transfer) }
  // The worker takes us for gone when this lock is free.
  void navigator.locks.request(`thicket-tab-${tab}`, () => new Promise(() => {}))
  const open = async (): Promise<number> => {
    worker?.terminate()
    const start = performance.now()
    const fresh = new Worker(script, { type: 'module' }), { port2 } = new MessageChannel()
    worker = fresh
    say({ type: 'start', tab, rtc: port2, rtcMode: 'off', relay: location.origin, iceServers: [] }, [port2])
    return new Promise((resolve) => {
      fresh.onmessage = ({ data }: MessageEvent<HubToTab>) => {
        if (data.type === 'term') { term = data.term; say({ type: 'tab', message: { type: 'hello', tab } }) }
        if (data.type === 'welcome') resolve(performance.now() - start)
        if (data.type === 'for' && data.message.type === 'reply') waiting.get(data.message.reply.id)?.(data.message.reply)
      }
    })
  }
  const ask = (command: Command): Promise<Reply> => new Promise((resolve) => {
    const id = nextId++
    waiting.set(id, (reply) => { waiting.delete(id); resolve(reply) })
    say({ type: 'tab', message: { type: 'command', tab, term, message: { type: 'command', id, command } } })
  })
  const paced = async (command: Command, rounds: number): Promise<number[]> => {
    const times: number[] = []
    for (let n = 0; n < rounds; n++) {
      await new Promise((resolve) => { setTimeout(resolve, 30) })
      const start = performance.now()
      const reply = await ask(command)
      if (!reply.ok) throw new Error(reply.error.message)
      times.push(performance.now() - start)
    }
    return times
  }
  globalThis.engine = { open, ask, paced }
}
