/** Rows of indexes that were read lately: a search as people type asks for the same ones at every letter. Rows of an index never change, so nothing here can be out of date. */

/** For all spaces together: about what an index of a hundred thousand messages takes. */
const MAX_BYTES = 6 * 1024 * 1024

export class RowCache {
  private readonly rows = new Map<string, Uint8Array>()
  private readonly maxBytes: number
  private bytes = 0
  private owners = 0

  constructor(maxBytes = MAX_BYTES) { this.maxBytes = maxBytes }

  /** A name for the rows of one index, and no other: what is built anew begins with the numbers of before. */
  owner(): string { return `${++this.owners} ` }

  get(name: string): Uint8Array | undefined {
    const row = this.rows.get(name)
    if (row !== undefined) { this.rows.delete(name); this.rows.set(name, row) }
    return row
  }

  set(name: string, row: Uint8Array): void {
    this.bytes += row.length - (this.rows.get(name)?.length ?? 0)
    this.rows.delete(name)
    this.rows.set(name, row)
    for (const [oldest, { length }] of this.rows) {
      if (this.bytes <= this.maxBytes) return
      this.rows.delete(oldest)
      this.bytes -= length
    }
  }
}
