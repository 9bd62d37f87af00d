/** What the stories start from: a relay that serves the app, people with browsers, and people with a headless peer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect } from '@playwright/test'
import { Peer } from './peer.ts'
import { Person, type Wishes } from './person.ts'
import { Relay } from './relay.ts'

interface Cast {
  readonly relay: Relay
  /** A person in front of a fresh browser, not started yet. */
  readonly person: (name: string, wishes?: Wishes) => Person
  readonly peer: (name: string) => Peer
}

export const test = base.extend<Cast>({
  relay: async ({}, use) => {
    const data = mkdtempSync(join(tmpdir(), 'thicket-relay-'))
    const relay = new Relay(data)
    await relay.start()
    await use(relay)
    await relay.stop()
    rmSync(data, { recursive: true, force: true })
  },

  person: async ({ relay }, use, story) => {
    const people: Person[] = []
    await use((name, wishes) => {
      const person = new Person(name, relay.url, wishes)
      people.push(person)
      return person
    })
    for (const person of people) await person.cleanUp()
    const heard = people.flatMap(person => person.console)
    if (story.status !== story.expectedStatus && heard.length > 0) console.log(heard.join('\n'))
    expect(people.flatMap(person => person.errors), 'no page threw').toEqual([])
  },

  peer: async ({ relay }, use) => {
    const data = mkdtempSync(join(tmpdir(), 'thicket-peer-'))
    const peers: Peer[] = []
    await use(name => {
      const peer = new Peer(name, relay.url, join(data, name))
      peers.push(peer)
      return peer
    })
    for (const peer of peers) await peer.kill()
    rmSync(data, { recursive: true, force: true })
  },
})

export { expect }
