/** The page of the store's benchmark: starts workers, gives them a line to each other, and hands jobs to them. */
import type { Answers, AnyJob, Jobs } from './jobs.ts'

export type WorkerName = keyof Jobs

export interface Bench {
  /** A fresh worker, in place of the one of this name that ran. */
  start(name: WorkerName): void
  connect(): void
  do<J extends AnyJob>(name: WorkerName, job: J): Promise<Answers[J['type']]>
  /** Bytes of memory of a worker, after what nobody needs has been collected. */
  memory(name: WorkerName): Promise<number>
}

declare global {
  var bench: Bench | undefined
  interface Performance { measureUserAgentSpecificMemory?(): Promise<{ readonly breakdown: readonly { readonly bytes: number; readonly attribution: readonly { readonly url: string; readonly scope: string }[] }[] }> }
}

interface Running { readonly worker: Worker; readonly waiting: Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }> }

const running = new Map<WorkerName, Running>()
let last = 0

/** Named one by one: the build finds workers by their addresses. */
function make(name: WorkerName): Worker {
  switch (name) {
    case 'peer': return new Worker(new URL('./peer.ts', import.meta.url), { type: 'module', name })
    case 'home': return new Worker(new URL('./home.ts', import.meta.url), { type: 'module', name })
    case 'rivals': return new Worker(new URL('./rivals.ts', import.meta.url), { type: 'module', name })
  }
}

function start(name: WorkerName): void {
  running.get(name)?.worker.terminate()
  const worker = make(name), waiting: Running['waiting'] = new Map()
  worker.onmessage = ({ data }: MessageEvent<{ id: number; value: never; error?: string }>) => {
    const asked = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.error === undefined) asked?.resolve(data.value); else asked?.reject(new Error(`${name}: ${data.error}`))
  }
  worker.onerror = (event) => { for (const { reject } of waiting.values()) reject(new Error(`${name}: ${event.message}`)) }
  running.set(name, { worker, waiting })
}

globalThis.bench = {
  start,
  connect() {
    const { port1, port2 } = new MessageChannel()
    running.get('peer')?.worker.postMessage({ id: 0, job: 'port' }, [port1])
    running.get('home')?.worker.postMessage({ id: 0, job: 'port' }, [port2])
  },
  do: (name, job) => new Promise((resolve, reject) => {
    const to = running.get(name)
    if (to === undefined) { reject(new Error(`${name} does not run`)); return }
    to.waiting.set(++last, { resolve, reject })
    to.worker.postMessage({ id: last, job })
  }),
  async memory(name) {
    const measured = await performance.measureUserAgentSpecificMemory?.()
    return measured?.breakdown.filter(({ attribution }) => attribution.some(({ url }) => url.includes(`/${name}-`))).reduce((sum, { bytes }) => sum + bytes, 0) ?? 0
  },
}
