/** The indexes of all spaces on this device, and searches over them. */
import type { ApiError, FoundMessage, Results } from '../../api.ts'
import type { SearchQuestion } from '../../api/messages.ts'
import type { ChannelId, OpId, SpaceId } from '../../wire/ids.ts'
import { HLC_STEP } from '../../wire/op.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { INDEX_AFTER_MS, INDEX_PAUSE_MS, INDEX_REST_MS, MAX_FOUND_PAGE, MAX_RANKED } from '../limits.ts'
import { described, type Located, located, type Seen } from '../messages/reading.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import { PLAIN } from '../messages/fold.ts'
import { type Catch, type Hit, hunt } from './hunt.ts'
import { Keeper } from './keeper.ts'
import { snippetOf } from './match.ts'
import { namesIn } from './names.ts'
import { parseQuery, type Query } from './query.ts'
import { worth } from './rank.ts'
import { RowCache } from './row-cache.ts'
import { SEGMENT_DOCS } from './search-index.ts'

type Going = void | Promise<void>

export interface Search {
  readonly query: Query
  readonly replicas: readonly Replica[]
  readonly channel: ChannelId | undefined
  readonly order: 'newest' | 'best'
  readonly limit: number
  readonly from: Located | undefined
}

export class Searching {
  private readonly engine: Engine
  private readonly cache = new RowCache()
  private readonly keepers = new Map<SpaceId, Keeper>()
  /** Where a piece of work is due already. What comes in all the time must not put it off all the time. */
  private readonly due = new Set<SpaceId>()
  /** When messages of a space came in last. */
  private readonly cameIn = new Map<SpaceId, number>()

  constructor(engine: Engine) { this.engine = engine }

  keeper(replica: Replica): Keeper {
    const known = this.keepers.get(replica.id)
    if (known !== undefined) return known
    const keeper = new Keeper(replica, this.cache)
    this.keepers.set(replica.id, keeper)
    return keeper
  }

  forget(space: SpaceId): void { this.keepers.delete(space); this.due.delete(space); this.cameIn.delete(space) }

  /** A space was opened. */
  begin(turn: Turn, replica: Replica): void { turn.out.wake(`index|${replica.id}`, turn.now + INDEX_AFTER_MS) }

  /** What a message says from now on: it is new, or was edited or deleted. */
  note(turn: Turn, replica: Replica, seen: Pick<Seen, 'channel' | 'record' | 'folded'>): void {
    this.keeper(replica).note(turn, seen)
    this.plan(turn, replica)
  }

  /** Messages that are new, as their authors wrote them. */
  noteNew(turn: Turn, replica: Replica, messages: readonly Located[]): void {
    if (messages.length === 0) return
    const keeper = this.keeper(replica)
    keeper.noteMany(turn, messages.map((message) => ({ ...message, folded: PLAIN })))
    this.cameIn.set(replica.id, turn.now)
    // A history comes in: until the index has been read all of it would wait in the tail.
    if (messages.length >= SEGMENT_DOCS && !keeper.hasBegun) void this.work(turn, replica); else this.plan(turn, replica)
  }

  private plan(turn: Turn, replica: Replica): void {
    const keeper = this.keeper(replica)
    if (!keeper.isBusy || this.due.has(replica.id)) return
    // What can wait until nothing more comes in is put off by what does.
    const mayRest = keeper.mayRest && turn.now - (this.cameIn.get(replica.id) ?? -Infinity) < INDEX_REST_MS
    if (!mayRest) this.due.add(replica.id)
    turn.out.wake(`index|${replica.id}`, turn.now + (mayRest ? INDEX_REST_MS : INDEX_PAUSE_MS))
  }

  /** The next piece of work on the index of a space. */
  work(turn: Turn, replica: Replica): Going {
    const keeper = this.keeper(replica)
    this.due.delete(replica.id)
    return this.engine.questions.follow(turn, (running) => keeper.work(running), (later) => {
      this.plan(later, replica)
    })
  }

  * answer(turn: () => Turn, search: Search): Reading<Results['search-messages']> {
    const { hits, more, unknown } = yield* this.gather(turn, search)
    const built = Math.max(0, ...search.replicas.map((replica) => this.keeper(replica).builtBackTo(search.channel)))
    const packed = Math.max(0, ...search.replicas.map((replica) => this.engine.retaining.away(replica).floor(search.channel))), since = Math.max(built, packed)
    return {
      results: yield* this.shown(hits), more, unclear: [...search.query.unclear, ...unknown],
      ...(since === 0 ? {} : { since: Math.min(Math.floor(since / HLC_STEP), Number.MAX_SAFE_INTEGER), ...(packed > built ? { isPacked: true } : {}) }),
    }
  }

  private * gather(turn: () => Turn, { query, replicas, channel, order, limit, from }: Search): Reading<Catch & { readonly unknown: readonly string[] }> {
    const hits: Hit[] = []
    let more = false, unknown: readonly string[] | undefined
    for (const replica of replicas) {
      const named = namesIn(query, replica)
      // A name is unknown when it is known in none of the spaces.
      unknown = unknown === undefined ? named.unknown : unknown.filter((name) => named.unknown.includes(name))
      const names = channel === undefined ? named.names : { ...named.names, channels: [channel] }
      const found = yield* hunt(replica, this.keeper(replica), turn, query, names, order === 'best' ? MAX_RANKED : limit, from)
      hits.push(...found.hits)
      more ||= found.more
    }
    const place = ({ seen }: Hit): number => seen.record.place
    hits.sort((a, b) => place(b) - place(a))
    if (order === 'best') {
      const values = new Map(hits.map((hit) => [hit, worth(query, hit.text)]))
      hits.sort((a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0))
    }
    return { hits: hits.slice(0, limit), more: more || hits.length > limit, unknown: unknown ?? [] }
  }

  /** With all that a message is shown with; each space is asked by itself. */
  private * shown(hits: readonly Hit[]): Reading<FoundMessage[]> {
    const found = new Map<Hit, FoundMessage>()
    for (const replica of new Set(hits.map((hit) => hit.replica))) {
      const own = hits.filter((hit) => hit.replica === replica)
      for (const [i, message] of (yield* described(replica, this.engine.reading, own.map((hit) => hit.seen))).entries()) {
        const hit = own[i]
        if (hit === undefined) continue
        const { text, spans } = snippetOf(hit.text, hit.spans)
        found.set(hit, { space: replica.id, message, snippet: text, marks: spans })
      }
    }
    return hits.map((hit) => found.get(hit)).filter((one) => one !== undefined)
  }

  /** Where a page of results ended, in whatever space that was. */
  * locate(replicas: readonly Replica[], message: OpId): Reading<Located | undefined> {
    for (const replica of replicas) {
      const [found] = yield* located(replica, [message])
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** What a question means now. */
export function searchFor(engine: Engine, c: SearchQuestion, now: number): Search | ApiError {
  const open = [...engine.replicas.values()].filter((replica) => replica.record.state === 'open')
  const replicas = c.space === undefined ? open : open.filter((replica) => replica.id === c.space)
  if (c.space !== undefined && replicas.length === 0) return fail('unknown-space')
  if (c.channel !== undefined && !replicas.some((replica) => c.channel !== undefined && isListed(replica, c.channel))) return fail('unknown-channel')
  const query = parseQuery(c.query, now, c.utcOffsets)
  return { query, replicas, channel: c.channel, order: c.order ?? 'newest', limit: Math.min(c.limit ?? DEFAULT_LIMIT, MAX_FOUND_PAGE), from: undefined }
}

const DEFAULT_LIMIT = 25
