/** A page with one worker that holds disks, as the app has: the test asks, the worker answers. */
import type { Answer, Job } from './worker.ts'

declare global {
  interface Window {
    /** Runs a job in the worker. Rejects with the worker's error, as "reason: message". */
    disk: (job: Job) => Promise<unknown>
    /** Set by the test: hears of each save when it is durable. */
    acknowledge?: (n: number) => void
  }
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
let last = 0

worker.onmessage = ({ data }: MessageEvent<Answer>) => {
  switch (data.type) {
    case 'saved': window.acknowledge?.(data.n); break
    case 'done': waiting.get(data.id)?.resolve(data.value); break
    case 'failed': waiting.get(data.id)?.reject(new Error(data.error)); break
    default: data satisfies never
  }
}

window.disk = job => new Promise((resolve, reject) => {
  waiting.set(++last, { resolve, reject })
  worker.postMessage({ id: last, job })
})
