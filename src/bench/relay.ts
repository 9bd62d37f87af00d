/** A real relay process under load: parcels in, pushed out and read back, and what 500 watchers cost it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Holder, Listener, RelayProcess } from '../../relay/process.test-support.ts'
import { type Figure, timed } from './table.ts'

const CONNECTIONS = 32
const PARCELS = 3200
const PARCEL_BYTES = 1024
const WATCHERS = 500
const PUSHED = 20

function parcel(n: number): Uint8Array {
  const bytes = new Uint8Array(PARCEL_BYTES)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

/** Resident memory of a process in MiB, where the system tells. */
function memoryMiB(pid: number): number {
  try { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024 } catch { return Number.NaN }
}

export async function benchRelay(): Promise<Figure[]> {
  const data = mkdtempSync(join(tmpdir(), 'relay-bench-'))
  const relay = await RelayProcess.start(data)
  try {
    return await measure(relay)
  } finally {
    await relay.end('SIGTERM')
    rmSync(data, { recursive: true, force: true })
  }
}

async function measure(relay: RelayProcess): Promise<Figure[]> {
  const perSecond = (count: number, ms: number): number => count / (ms / 1000)
  // A topic of its own per connection: 100 parcels each stay within what a topic may write at once.
  const writers = Array.from({ length: CONNECTIONS }, () => new Holder())
  const bodies = writers.map((writer) => Array.from({ length: PARCELS / CONNECTIONS }, (_, n) => writer.sealed(parcel(n))))
  const posting = await timed(() => Promise.all(writers.map(async (writer, i) => {
    for (const body of bodies[i] ?? []) {
      const answer = await fetch(`${relay.url}/v1/topics/${writer.topic}`, { method: 'POST', body: body.slice() })
      if (!answer.ok) throw new Error(`a post was refused: ${answer.status}`)
      await answer.arrayBuffer()
    }
  })))
  const reading = await timed(() => Promise.all(writers.map((writer) => writer.all(relay.url))))

  const before = memoryMiB(relay.pid)
  const topic = new Holder()
  const listeners = await Promise.all(Array.from({ length: WATCHERS }, () => Listener.open(relay.url)))
  for (const listener of listeners) listener.watch(topic, 0)
  await Promise.all(listeners.map((listener) => listener.page()))
  const watched = memoryMiB(relay.pid)
  const pushing = await timed(async () => {
    const heard = listeners.map(async (listener) => { for (let at = 0; at < PUSHED;) at = (await listener.page()).next })
    for (let n = 0; n < PUSHED; n++) await topic.kept(relay.url, parcel(n))
    await Promise.all(heard)
  })
  for (const listener of listeners) listener.close()
  return [
    { what: `parcels of 1 KiB in, ${CONNECTIONS} connections, each synced to disk`, value: perSecond(PARCELS, posting), unit: '/s' },
    { what: 'parcels read back', value: perSecond(PARCELS, reading), unit: '/s' },
    { what: `parcels pushed out to ${WATCHERS} watchers`, value: perSecond(PUSHED * WATCHERS, pushing), unit: '/s' },
    { what: 'relay, memory before watchers', value: before, unit: 'MiB' },
    { what: `relay, memory with ${WATCHERS} watchers`, value: watched, unit: 'MiB' },
  ]
}
