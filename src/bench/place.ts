/**
 * What it costs a device whose place at a relay is lost, or whose relay may have lost something, to have what it lacks: reading the topic from the start, as it had to before,
 * and comparing, beside each other at a real relay process. Bytes of both ways, bodies and messages alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_LIMITS, Mailbox } from '../../relay/mailbox.ts'
import { Holder, RelayProcess } from '../../relay/process.test-support.ts'
import { sha256 } from '../../relay/proof.ts'
import { openSqliteStore } from '../../relay/store-sqlite.ts'
import { connectWebSocket } from '../adapters/mailbox-line.ts'
import { createMailbox, type RelayMailbox } from '../adapters/mailbox-relay.ts'
import { systemRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import type { MailboxEvent } from '../ports.ts'
import { concat } from '../wire/bytes.ts'
import { ID_BYTES } from '../wire/rateless.ts'
import { type Figure, timed } from './table.ts'

const PARCEL_BYTES = 512

export async function benchPlace(missing: readonly number[], parcels: number): Promise<Figure[]> {
  const data = mkdtempSync(join(tmpdir(), 'place-bench-')), topic = new Holder()
  const ids = fill(data, topic.topic, parcels)
  const relay = await RelayProcess.start(data)
  try {
    const figures: Figure[] = []
    for (const count of missing) {
      const held = concat(...ids.filter((_, n) => n % Math.ceil(parcels / Math.max(count, 1)) !== 0 || count === 0))
      const compared = await measure((mailbox) => mailbox.compare(relay.url, topic, held), (event) => event.type === 'compared')
      const read = await measure((mailbox) => mailbox.watch(relay.url, topic, 0), (event) => event.type === 'parcels' && event.end)
      const note = (what: string, value: number, unit: string): void => { figures.push({ what, value, unit, at: count }) }
      note('compared: bytes', compared.bytes, 'B')
      note('compared: time', compared.ms, 'ms')
      note('compared: parcels given', compared.parcels, '')
      note('from the start: bytes', read.bytes, 'B')
      note('from the start: time', read.ms, 'ms')
    }
    return figures
  } finally {
    await relay.end('SIGTERM')
    rmSync(data, { recursive: true, force: true })
  }
}

/** Parcels as they lie at a relay that has been in use for long: posting them would take as long. */
function fill(data: string, topic: string, parcels: number): Uint8Array[] {
  const store = openSqliteStore(data)
  const mailbox = new Mailbox(store, sha256, { ...DEFAULT_LIMITS, burst: parcels })
  const all = Array.from({ length: parcels }, (_, n) => {
    const bytes = new Uint8Array(PARCEL_BYTES)
    new DataView(bytes.buffer).setUint32(0, n)
    return bytes
  })
  mailbox.post(all.map((parcel) => ({ topic, parcel })), Date.now())
  store.close()
  return all.map((parcel) => sha256(parcel).subarray(0, ID_BYTES))
}

/** From asking to the event that ends it, with all that went over the wire. */
async function measure(begin: (mailbox: RelayMailbox) => void, isEnd: (event: MailboxEvent) => boolean): Promise<{ bytes: number; ms: number; parcels: number }> {
  const random = systemRandom(), suite = await createSuite(random)
  let bytes = 0, parcels = 0
  const mailbox = createMailbox({
    suite, random,
    fetch: async (input, init) => {
      if (init?.body instanceof Uint8Array) bytes += init.body.length
      const answer = await fetch(input, init), body = await answer.arrayBuffer()
      bytes += body.byteLength
      return new Response(body, { status: answer.status, headers: answer.headers })
    },
    connect: (url, { message, closed }) => connectWebSocket(url, { closed, message: (given) => { bytes += given?.length ?? 0; message(given) } }),
  })
  const ms = await timed(async () => {
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => { end = resolve })
    await mailbox.start((event) => {
      if (event.type === 'found' || event.type === 'parcels') parcels += event.parcels.length
      if (isEnd(event)) end()
    })
    begin(mailbox)
    await ended
  })
  await mailbox.stop()
  return { bytes, ms, parcels }
}
