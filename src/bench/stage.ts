/** A relay that serves the built app, and people with browsers of their own whose pages note the time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBrowser, noBrowserMessage } from '../../e2e/browser.ts'
import { Person, type Wishes } from '../../e2e/person.ts'
import { Relay } from '../../e2e/relay.ts'
import { stopwatch } from './stopwatch.ts'

export class Stage {
  readonly relay: Relay
  private readonly data = mkdtempSync(join(tmpdir(), 'thicket-bench-'))
  private readonly people: Person[] = []

  private constructor() { this.relay = new Relay(this.data) }

  static async open(): Promise<Stage> {
    if (!findBrowser()) throw new Error(noBrowserMessage())
    const stage = new Stage()
    await stage.relay.start()
    return stage
  }

  person(name: string, wishes: Wishes = {}): Person {
    const person = new Person(name, this.relay.url, { ...wishes, script: stopwatch })
    this.people.push(person)
    return person
  }

  async end(): Promise<void> {
    for (const person of this.people) await person.cleanUp()
    await this.relay.stop()
    rmSync(this.data, { recursive: true, force: true })
  }
}
