/**
 * The same messages in other programs, in the same browser: Yjs with y-indexeddb and Automerge for appending, opening and size, minisearch for search.
 * None of them signs, encrypts, or asks who may write.
 */
import * as Automerge from '@automerge/automerge/slim'
import { automergeWasmBase64 } from '@automerge/automerge/automerge.wasm.base64'
import MiniSearch from 'minisearch'
import { IndexeddbPersistence, storeState } from 'y-indexeddb'
import * as Y from 'yjs'
import { questions, sentences } from '../language.ts'
import { type Rival, type TextIndex, work } from './jobs.ts'

const AUTHORS = 20
/** Appended at once while there is no clock running. */
const AT_ONCE = 500
const PAGE = 50
const FOUND = 25

interface Message { readonly id: string; readonly author: string; readonly at: number; readonly text: string }

function messages(): () => Message {
  const sentence = sentences()
  let n = 0
  return () => { n++; return { id: n.toString(36).padStart(8, '0'), author: `Person ${1 + (n % AUTHORS)}`, at: 1_800_000_000_000 + n * 1000, text: sentence() } }
}

const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}
const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => { resolve(request.result) }
  request.onerror = () => { reject(request.error ?? new Error('no reason given')) }
})
const deleted = (name: string): Promise<unknown> => settled(indexedDB.deleteDatabase(name))

async function yjs(count: number, appends: number, reopenings: number): Promise<Rival> {
  const name = `yjs-${count}`, message = messages()
  let doc = new Y.Doc(), disk = new IndexeddbPersistence(name, doc)
  await disk.whenSynced
  const list = (): Y.Array<Message> => doc.getArray<Message>('messages')
  for (let n = 0; n < count; n += AT_ONCE) list().push(Array.from({ length: Math.min(AT_ONCE, count - n) }, message))
  // As it does by itself after a second without updates.
  await storeState(disk, true)
  const times: number[] = []
  for (let n = 0; n < appends; n++) times.push(await timed(async () => { list().push([message()]); await disk.set('n', n) }))
  await storeState(disk, true)
  const bytes = Y.encodeStateAsUpdate(doc).length, reopenMs: number[] = []
  for (let n = 0; n < reopenings; n++) {
    await disk.destroy()
    doc.destroy()
    reopenMs.push(await timed(async () => {
      doc = new Y.Doc()
      disk = new IndexeddbPersistence(name, doc)
      await disk.whenSynced
      if (list().slice(list().length - PAGE).length !== Math.min(PAGE, count)) throw new Error('Yjs lost messages')
    }))
  }
  const db = disk.db as IDBDatabase
  const updates = await settled(db.transaction('updates').objectStore('updates').getAll() as IDBRequest<Uint8Array[]>)
  await disk.destroy()
  await deleted(name)
  return { appends: times, reopenMs, bytes, stored: updates.reduce((sum, update) => sum + update.length, 0) }
}

/** As automerge-repo's adapter keeps it: a snapshot, and what was added since. */
async function automerge(count: number, appends: number, reopenings: number): Promise<Rival> {
  await Automerge.initializeBase64Wasm(automergeWasmBase64)
  const name = `automerge-${count}`, message = messages()
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => { opening.result.createObjectStore('chunks', { autoIncrement: true }) }
  const db = await settled(opening)
  const keep = (chunk: Uint8Array): Promise<void> => new Promise((resolve, reject) => {
    const transaction = db.transaction('chunks', 'readwrite')
    transaction.objectStore('chunks').put(chunk)
    transaction.oncomplete = () => { resolve() }
    transaction.onabort = () => { reject(transaction.error ?? new Error('aborted')) }
  })
  let doc = Automerge.from<{ messages: Message[] }>({ messages: [] })
  for (let n = 0; n < count; n += AT_ONCE) doc = Automerge.change(doc, (draft) => { draft.messages.push(...Array.from({ length: Math.min(AT_ONCE, count - n) }, message)) })
  await keep(Automerge.save(doc))
  const times: number[] = []
  for (let n = 0; n < appends; n++) {
    times.push(await timed(async () => {
      doc = Automerge.change(doc, (draft) => { draft.messages.push(message()) })
      await keep(Automerge.saveIncremental(doc))
    }))
  }
  const bytes = Automerge.save(doc).length, reopenMs: number[] = []
  const chunks = (): Promise<Uint8Array[]> => settled(db.transaction('chunks').objectStore('chunks').getAll() as IDBRequest<Uint8Array[]>)
  for (let n = 0; n < reopenings; n++) {
    reopenMs.push(await timed(async () => {
      let again: Automerge.Doc<{ messages: Message[] }> = Automerge.init()
      for (const chunk of await chunks()) again = Automerge.loadIncremental(again, chunk)
      if (again.messages.slice(-PAGE).length !== Math.min(PAGE, count)) throw new Error('Automerge lost messages')
      Automerge.free(again)
    }))
  }
  const stored = (await chunks()).reduce((sum, chunk) => sum + chunk.length, 0)
  db.close()
  await deleted(name)
  return { appends: times, reopenMs, bytes, stored }
}

const OPTIONS = { fields: ['text'], storeFields: ['author', 'text'] }

/** What it has no word for (a phrase, an author) is a filter over what it finds, as its documentation says. */
async function minisearch(count: number, asks: number): Promise<TextIndex> {
  const message = messages()
  let index = new MiniSearch<Message>(OPTIONS)
  const all = Array.from({ length: count }, message)
  const buildMs = await timed(() => { index.addAll(all) })
  const packed = JSON.stringify(index)
  const loadMs = await timed(() => { index = MiniSearch.loadJSON<Message>(packed, OPTIONS) })
  const times: Record<string, number[]> = {}
  for (const question of questions(asks, AUTHORS, (n) => all[n % all.length]?.text ?? '')) {
    const { kind, words, author } = question
    const ask = (): number => index.search(words.length === 0 ? MiniSearch.wildcard : words.join(' '), {
      combineWith: 'AND', prefix: kind === 'the beginning of a word',
      filter: (found) => (author === undefined || found.author === author) && (kind !== 'a phrase' || String(found.text).includes(words.join(' '))),
    }).slice(0, FOUND).length
    ;(times[kind] ??= []).push(await timed(ask))
  }
  return { buildMs, loadMs, bytes: packed.length, asks: times }
}

work({
  yjs: ({ count, appends, reopenings }) => yjs(count, appends, reopenings),
  automerge: ({ count, appends, reopenings }) => automerge(count, appends, reopenings),
  minisearch: ({ count, asks }) => minisearch(count, asks),
})
