/** Threads that each take the next plan when they are done with one, so that a long run keeps only its own thread busy. */
import { Worker } from 'node:worker_threads'
import type { FullPlan } from './plans.ts'

/** What is wrong with a plan's run; `story`: what led to it. */
export interface Failure { readonly story: string; readonly line: string }
export interface Task { readonly plan: FullPlan; readonly isTwice: boolean }

/** A run that takes more than this of a core (ms) has no end, however crowded the machine is. */
const MOST_MS = 20 * 60_000
const LOOK_EVERY_MS = 10_000

/** Plays what `next` gives until it gives nothing more. The threads run the file at `url`, which answers each task with a failure or null. */
export async function play(threads: number, url: URL, next: () => Task | undefined, done: (task: Task, failure: Failure | null) => void): Promise<void> {
  await Promise.all(Array.from({ length: threads }, () => work(url, next, done)))
}

async function work(url: URL, next: () => Task | undefined, done: (task: Task, failure: Failure | null) => void): Promise<void> {
  let worker = new Worker(url)
  for (let task = next(); task !== undefined; task = next()) {
    const failure = await one(worker, task)
    if (failure === 'endless') {
      await worker.terminate()
      worker = new Worker(url)
      done(task, { story: '', line: `no end after ${MOST_MS / 60_000} minutes of a core` })
    } else done(task, failure)
  }
  await worker.terminate()
}

function one(worker: Worker, task: Task): Promise<Failure | null | 'endless'> {
  // From the first look on: before that the thread may not have begun.
  let before: NodeJS.CpuUsage | undefined
  return new Promise((resolve, reject) => {
    const end = (): void => { clearInterval(timer); worker.off('message', heard); worker.off('error', failed) }
    const heard = (failure: Failure | null): void => { end(); resolve(failure) }
    const failed = (error: Error): void => { end(); reject(error) }
    const timer = setInterval(() => {
      // Of a thread that has ended nothing is told: that comes as an error of its own.
      void worker.cpuUsage().then((now) => {
        before ??= now
        if ((now.user + now.system - before.user - before.system) / 1000 > MOST_MS) { end(); resolve('endless') }
      }, () => {})
    }, LOOK_EVERY_MS)
    worker.on('message', heard)
    worker.on('error', failed)
    worker.postMessage(task)
  })
}
