/** A page with the app's own port and worker, and no app: the test asks and looks. */
import type { Command, FromWorker } from '../../src/api.ts'
import { openClientPort } from '../../src/worker/page.ts'

/** What the test calls. */
export interface TabsFixture {
  /** Resolves with the reply. */
  ask(command: Command): Promise<FromWorker & { type: 'reply' }>
  heard: FromWorker[]
  /** Times (ms since 1970) at which each was heard. */
  at: number[]
}

declare global { interface Window { tabs: TabsFixture } }

const port = openClientPort()
const heard: FromWorker[] = []
const at: number[] = []
const waiting = new Map<number, (message: FromWorker & { type: 'reply' }) => void>()
let last = 0

port.listen(message => {
  heard.push(message)
  at.push(Date.now())
  if (message.type === 'reply') waiting.get(message.reply.id)?.(message)
})

window.tabs = {
  heard,
  at,
  ask: command => new Promise(resolve => {
    const id = ++last
    waiting.set(id, resolve)
    port.post({ type: 'command', id, command })
  }),
}
