/**
 * What every disk must do, as a list of stories that need no test runner: vitest runs them on memory, SQLite and fake-indexeddb,
 * and e2e/disk.spec.ts in a worker of real Chromium. A story that ends without throwing has passed.
 */
import { type Disk, DiskError, type Row, type Save } from '../ports.ts'
import { compare, concat, toHex, u64, utf8 } from '../wire/bytes.ts'

export interface DiskCase {
  readonly name: string
  /** `open` opens one and the same disk, empty at first. A story closes it before it opens it again. */
  run(open: () => Promise<Disk>): Promise<void>
}

const put = (partition: string, key: Uint8Array | string, value: Uint8Array | string): Save =>
  ({ type: 'put', partition, key: asBytes(key), value: asBytes(value) })
const remove = (partition: string, key: Uint8Array | string): Save => ({ type: 'delete', partition, key: asBytes(key) })
const drop = (partition: string): Save => ({ type: 'drop', partition })
const asBytes = (v: Uint8Array | string): Uint8Array => (typeof v === 'string' ? utf8(v) : v)
const show = (rows: readonly Row[]): string => rows.map(row => `${toHex(row.key)}=${toHex(row.value)}`).join(' ')
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected).slice(0, 300)}, got ${String(actual).slice(0, 300)}`)
}

async function refuses(work: () => Promise<unknown>, reason: DiskError['reason'], what: string): Promise<void> {
  const error = await work().then(() => undefined, (thrown: unknown) => thrown)
  same(error instanceof DiskError ? error.reason : String(error), reason, what)
}

async function keys(disk: Disk, partition: string, query: Partial<Parameters<Disk['range']>[1]> = {}): Promise<string> {
  return (await disk.range(partition, { limit: 1000, ...query })).map(row => text(row.key)).join(' ')
}

/** Numbers that look random and are the same in every run (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** The plainest thing that could keep the contract: what a disk is compared with. */
export class DiskModel {
  readonly #rows = new Map<string, Map<string, Row>>()

  apply(saves: readonly Save[]): void {
    for (const save of saves) {
      const rows = this.#rows.get(save.partition) ?? new Map<string, Row>()
      this.#rows.set(save.partition, rows)
      if (save.type === 'drop') rows.clear()
      else if (save.type === 'delete') rows.delete(toHex(save.key))
      else rows.set(toHex(save.key), { key: save.key, value: save.value })
    }
  }

  range(partition: string, query: Parameters<Disk['range']>[1]): Row[] {
    const { from, to } = query
    const rows = [...this.#rows.get(partition)?.values() ?? []].sort((a, b) => compare(a.key, b.key))
      .filter(row => (from === undefined || compare(row.key, from) >= 0) && (to === undefined || compare(row.key, to) < 0))
    return (query.reverse ? rows.reverse() : rows).slice(0, query.limit)
  }

  async check(disk: Disk, partitions: readonly string[], what: string): Promise<void> {
    for (const name of partitions) same(show(await disk.range(name, { limit: 100_000 })), show(this.range(name, { limit: 100_000 })), `${what}, partition "${name}"`)
  }
}

export const DISK_CONTRACT: readonly DiskCase[] = [
  {
    name: 'what Alice saves is there, and there again after she comes back',
    async run(open) {
      let disk = await open()
      same(await disk.get('messages', utf8('1')), undefined, 'before')
      await disk.save([put('messages', '1', 'hello Bob'), put('heads', '1', 'h1')])
      same(text(await disk.get('messages', utf8('1'))), 'hello Bob', 'at once')
      await disk.close()
      disk = await open()
      same(text(await disk.get('messages', utf8('1'))), 'hello Bob', 'after reopening')
      same(text(await disk.get('heads', utf8('1'))), 'h1', 'the other partition')
      same(await disk.get('messages', utf8('2')), undefined, 'a key nobody saved')
      await disk.close()
    },
  },
  {
    name: 'a range runs in byte order, from its lower bound up to, not including, its upper one',
    async run(open) {
      const disk = await open()
      await disk.save(['c', 'a', 'e', 'b', 'd'].map(key => put('p', key, key.toUpperCase())))
      same(await keys(disk, 'p'), 'a b c d e', 'open range')
      same(await keys(disk, 'p', { from: utf8('b'), to: utf8('d') }), 'b c', 'bounds')
      same(await keys(disk, 'p', { from: utf8('bb') }), 'c d e', 'a bound that is no key')
      same(await keys(disk, 'p', { limit: 2 }), 'a b', 'limit')
      same(await keys(disk, 'p', { limit: 2, reverse: true }), 'e d', 'from the end')
      same(await keys(disk, 'p', { from: utf8('b'), to: utf8('e'), limit: 2, reverse: true }), 'd c', 'bounds and from the end')
      same(await keys(disk, 'p', { from: utf8('d'), to: utf8('b') }), '', 'bounds the wrong way round')
      same(await keys(disk, 'p', { limit: 0 }), '', 'no rows asked for')
      same(text((await disk.range('p', { limit: 1 }))[0]?.value), 'A', 'a value')
      await disk.close()
    },
  },
  {
    name: 'keys are unsigned bytes: shorter before longer, 7f before 80, and the empty key first',
    async run(open) {
      let disk = await open()
      const ordered = [[], [0], [0, 0], [0, 1], [0x7f], [0x80], [0xff], [0xff, 0xff]].map(bytes => Uint8Array.from(bytes))
      await disk.save([...ordered].reverse().map(key => put('p', key, key)))
      for (const when of ['at once', 'after reopening']) {
        same((await disk.range('p', { limit: 99 })).map(row => toHex(row.key)).join(), ordered.map(toHex).join(), when)
        same(toHex(await disk.get('p', new Uint8Array()) ?? utf8('missing')), '', `the empty key ${when}`)
        await disk.close()
        disk = await open()
      }
      await disk.close()
    },
  },
  {
    name: 'partitions are apart, whatever their names',
    async run(open) {
      const disk = await open()
      const names = ['', 'a', 'ab', 'b', '\u0001', 'ä', '😀', 'x'.repeat(255)]
      await disk.save(names.flatMap((name, i) => [put(name, 'k', String(i)), put(name, new Uint8Array(), ''), put(name, Uint8Array.of(255), '')]))
      for (const [i, name] of names.entries()) {
        same((await disk.range(name, { limit: 99 })).length, 3, `rows of "${name}"`)
        same(text(await disk.get(name, utf8('k'))), String(i), `the row of "${name}"`)
      }
      await disk.save([drop('a')])
      same((await disk.range('a', { limit: 99 })).length, 0, 'the dropped one')
      for (const name of ['', 'ab', 'b']) same((await disk.range(name, { limit: 99 })).length, 3, `"${name}" after the drop`)
      await disk.close()
    },
  },
  {
    name: 'the saves of one call take place in their order',
    async run(open) {
      let disk = await open()
      await disk.save([put('p', 'a', '1'), put('p', 'a', '2'), put('p', 'b', '1'), remove('p', 'b'), put('q', 'old', '1'), drop('q'), put('q', 'new', '1'), remove('p', 'never')])
      for (const when of ['at once', 'after reopening']) {
        same(text(await disk.get('p', utf8('a'))), '2', `the later put ${when}`)
        same(await keys(disk, 'p'), 'a', `the deleted row ${when}`)
        same(await keys(disk, 'q'), 'new', `the row after the drop ${when}`)
        await disk.close()
        disk = await open()
      }
      await disk.save([])
      await disk.save([drop('never was'), remove('p', 'a'), put('p', 'a', '')])
      same((await disk.get('p', utf8('a')))?.length, 0, 'an empty value is a value')
      await disk.close()
    },
  },
  {
    name: 'thousands of rows in any order, deleted and dropped again',
    async run(open) {
      let disk = await open()
      const model = new DiskModel()
      const random = numbers(7)
      const names = ['log', 'by id', 'other']
      for (let batch = 0; batch < 12; batch++) {
        const saves: Save[] = []
        for (let i = 0; i < 250; i++) {
          saves.push(put('log', u64(batch * 250 + i), `message ${batch} ${i} ${'.'.repeat(random(300))}`))
          saves.push(put('by id', concat(u64(random(1 << 30)), u64(i)), u64(batch)))
          if (i % 5 === 0) saves.push(remove('log', u64(random(batch * 250 + 1))))
        }
        if (batch % 4 === 3) saves.push(drop('other'))
        saves.push(put('other', u64(batch), 'x'))
        await disk.save(saves)
        model.apply(saves)
      }
      await model.check(disk, names, 'before')
      await disk.close()
      disk = await open()
      await model.check(disk, names, 'after reopening')
      for (const query of [{ limit: 50, reverse: true }, { from: u64(1000), to: u64(2000), limit: 300 }, { from: u64(1000), to: u64(2000), limit: 300, reverse: true }]) {
        same(show(await disk.range('log', query)), show(model.range('log', query)), JSON.stringify(query))
      }
      const last: Save[] = [drop('by id'), ...Array.from({ length: 2900 }, (_, i) => remove('log', u64(i)))]
      await disk.save(last)
      model.apply(last)
      await model.check(disk, names, 'after the great cleaning')
      await disk.close()
    },
  },
  {
    name: 'small saves, one after the other, for a long while',
    async run(open) {
      let disk = await open()
      const model = new DiskModel()
      const random = numbers(99)
      const names = ['a', 'b', 'c']
      for (let i = 0; i < 300; i++) {
        const name = names[random(3)] as string
        const saves = [put(name, u64(random(200)), `value ${i}`), put('a', u64(1000 + i), 'appended'), random(4) === 0 ? remove(name, u64(random(200))) : put('c', 'head', u64(i))]
        if (random(70) === 0) saves.unshift(drop(name))
        await disk.save(saves)
        model.apply(saves)
        if (i % 90 === 89) { await disk.close(); disk = await open() }
      }
      await model.check(disk, names, 'at the end')
      await disk.close()
    },
  },
  {
    name: 'tidying takes away nothing that is there, in whatever moment saves come, and a partition has about the size of its rows',
    async run(open) {
      let disk = await open()
      const model = new DiskModel()
      const random = numbers(5)
      const save = async (saves: readonly Save[]): Promise<void> => { await disk.save(saves); model.apply(saves) }
      for (let batch = 0; batch < 10; batch++) {
        await save(Array.from({ length: 300 }, (_, i) => put('log', u64(batch * 300 + i), 'x'.repeat(100))))
        await save(Array.from({ length: 60 }, () => put('by id', concat(u64(random(1 << 30)), u64(batch)), u64(batch))))
      }
      const before = await disk.size('log')
      same(before > 300_000 && before < 400_000, true, `${before} bytes of 3000 rows of 108`)
      same(await disk.size('nothing'), 0, 'an empty partition')
      await save(Array.from({ length: 2000 }, (_, i) => remove('log', u64(i))))
      await save(Array.from({ length: 40 }, (_, i) => put('log', u64(2000 + i * 20), '')))
      const saving: Promise<void>[] = []
      for (let more = true, n = 0; more; n++) {
        if (n < 20) saving.push(save([put('by id', u64(random(1 << 30)), 'meanwhile')]))
        more = await disk.compact()
        same(n < 500, true, 'tidying comes to an end')
      }
      await Promise.all(saving)
      await model.check(disk, ['log', 'by id'], 'after tidying')
      const after = await disk.size('log')
      same(after > 80_000 && after < 150_000, true, `${after} bytes of 1000 rows`)
      await disk.close()
      disk = await open()
      await model.check(disk, ['log', 'by id'], 'after reopening')
      await disk.close()
      await refuses(() => disk.compact(), 'closed', 'tidying a closed disk')
    },
  },
  {
    name: 'large rows',
    async run(open) {
      let disk = await open()
      const large = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => i % 251)
      await disk.save([put('p', 'a', 'small'), put('p', 'b', large), put('p', 'c', 'small')])
      await disk.save([put('p', 'b2', large.subarray(0, 65_536)), put('p', 'b3', large.subarray(0, 100_000)), put('p', 'd', 'small')])
      await disk.close()
      disk = await open()
      same(toHex(await disk.get('p', utf8('b')) ?? utf8('missing')) === toHex(large), true, 'the large row')
      same((await disk.get('p', utf8('b3')))?.length, 100_000, 'the middling row')
      same(await keys(disk, 'p'), 'a b b2 b3 c d', 'all of them')
      await disk.close()
    },
  },
  {
    name: 'saves that nobody waits for take place one after the other',
    async run(open) {
      let disk = await open()
      await Promise.all(Array.from({ length: 40 }, (_, i) => disk.save([put('p', 'last', String(i)), put('p', `row ${i}`, '')])))
      same(text(await disk.get('p', utf8('last'))), '39', 'the last one wins')
      await disk.close()
      disk = await open()
      same((await disk.range('p', { limit: 99 })).length, 41, 'none is lost')
      await disk.close()
    },
  },
  {
    name: 'a save may begin at any moment after another is done',
    async run(open) {
      const disk = await open()
      for (let moments = 0; moments < 40; moments++) {
        await disk.save([put('p', 'a', u64(moments))])
        // What the disk still tidies up behind a save that is done takes moments of its own, and none of them may swallow the next save.
        for (let i = 0; i < moments; i++) await Promise.resolve()
        await disk.save([put('p', 'b', u64(moments))])
      }
      same(toHex(await disk.get('p', utf8('b')) ?? utf8('missing')), toHex(u64(39)), 'the last one')
      await disk.close()
    },
  },
  {
    name: 'reading goes on while the disk is written',
    async run(open) {
      const disk = await open()
      await disk.save(Array.from({ length: 2000 }, (_, i) => put('p', u64(i), 'fixed'.repeat(20))))
      const writing = (async () => { for (let i = 0; i < 150; i++) await disk.save([put('p', u64(i * 13), 'again'), put('q', u64(i), 'x')]) })()
      for (let i = 0; i < 20; i++) same((await disk.range('p', { limit: 5000 })).length, 2000, 'rows seen')
      await writing
      await disk.close()
    },
  },
  {
    name: 'arrays given to the disk and got from it belong to the caller',
    async run(open) {
      const disk = await open()
      const key = utf8('key'), value = utf8('value')
      const saving = disk.save([{ type: 'put', partition: 'p', key, value }])
      await saving
      key.fill(0)
      value.fill(0)
      ;(await disk.get('p', utf8('key')))?.fill(0)
      for (const row of await disk.range('p', { limit: 1 })) { row.key.fill(0); row.value.fill(0) }
      same(text(await disk.get('p', utf8('key'))), 'value', 'the row')
      await disk.close()
    },
  },
  {
    name: 'what no disk takes is refused, and nothing of the call is saved',
    async run(open) {
      const disk = await open()
      const good = put('p', 'good', 'x')
      await refuses(() => disk.save([good, put('p', new Uint8Array(1025), 'x')]), 'failed', 'a long key')
      await refuses(() => disk.save([good, put('p', 'k', new Uint8Array(4 * 1024 * 1024 + 1))]), 'failed', 'a huge value')
      await refuses(() => disk.save([good, put('x'.repeat(256), 'k', 'x')]), 'failed', 'a long name')
      await refuses(() => disk.save([good, put('\ud800', 'k', 'x')]), 'failed', 'a name that is no Unicode')
      await refuses(() => disk.range('p', { limit: -1 }), 'failed', 'a negative limit')
      await refuses(() => disk.range('p', { limit: NaN }), 'failed', 'a limit that is no number')
      same(await keys(disk, 'p'), '', 'rows')
      await disk.close()
    },
  },
  {
    name: 'a sound disk is found sound, and there is nothing to mend',
    async run(open) {
      let disk = await open()
      same((await disk.check()).length, 0, 'an empty one')
      const saves = Array.from({ length: 700 }, (_, i) => put(`p${i % 3}`, u64(i), `value ${i}`))
      await disk.save(saves)
      for (const when of ['with pages', 'after reopening']) {
        let last = 0
        same((await disk.check((done, all) => { if (done > all || done < last) throw new Error('the progress goes backwards'); last = done })).length, 0, when)
        same((await disk.mend()).length, 0, `mended ${when}`)
        same((await disk.range('p1', { limit: 1000 })).length, 233, `rows ${when}`)
        await disk.close()
        disk = await open()
      }
      await disk.close()
      await refuses(() => disk.check(), 'closed', 'check')
      await refuses(() => disk.mend(), 'closed', 'mend')
    },
  },
  {
    name: 'a copy is all there is as of one moment, whatever is saved, replaced, tidied or dropped meanwhile',
    async run(open) {
      const disk = await open(), model = new DiskModel(), names = ['a', 'bb', 'gone', 'ops/space']
      const saves = names.flatMap(name => Array.from({ length: 400 }, (_, i) => put(name, u64(i), `${name} ${i} `.repeat(8))))
      for (const some of [saves, [drop('gone'), remove('a', u64(7)), put('bb', u64(7), 'again')]]) { await disk.save(some); model.apply(some) }
      for (const name of ['a', 'bb', 'ops/space']) same((await disk.partitions()).includes(name), true, `the name ${name}`)
      const found = new DiskModel()
      let last = 0
      const late: Promise<unknown>[] = []
      for await (const { partition, rows, done, all } of disk.copy()) {
        if (done > all || done < last) throw new Error('the progress goes backwards')
        last = done
        found.apply(rows.map(({ key, value }) => put(partition, key, value)))
        late.push(disk.save([drop('bb'), ...saves.slice(0, 900).map(save => ({ ...save, value: utf8(`late ${late.length} `.repeat(30)) }) as Save)]))
        if (late.length === 3) late.push(disk.compact())
      }
      await Promise.all(late)
      for (const name of names) same(show(found.range(name, { limit: 1000 })), show(model.range(name, { limit: 1000 })), `the copy of "${name}"`)
      same(text(await disk.get('a', u64(7)))?.startsWith('late'), true, 'what was saved meanwhile')
      for await (const one of disk.copy()) { same(one.partition, 'a', 'begun again'); break }
      await disk.save([put('a', 'z', 'after a copy that was given up')])
      while (await disk.compact()) continue
      await disk.close()
    },
  },
  {
    name: 'a closed disk says so, and closing waits for what was begun',
    async run(open) {
      let disk = await open()
      const saving = disk.save([put('p', 'k', 'in time')])
      await disk.close()
      await saving
      await refuses(() => disk.save([put('p', 'k', 'late')]), 'closed', 'save')
      await refuses(() => disk.get('p', utf8('k')), 'closed', 'get')
      await refuses(() => disk.range('p', { limit: 1 }), 'closed', 'range')
      await disk.close()
      disk = await open()
      same(text(await disk.get('p', utf8('k'))), 'in time', 'the row')
      await disk.close()
    },
  },
]
