/** The network where it lives: in dedicated workers of real pages, with the pages' peer connections, over a real relay. */
import { expect, test, type Page } from '@playwright/test'
import { startTestRelay, type TestRelay } from '../src/adapters/network-test-relay.ts'
import { serveFixture, type Served } from './worker-fixture.ts'
import type {} from './worker-fixture/page.ts'

let served: Served, relay: TestRelay

test.beforeAll(async () => { served = await serveFixture() })
test.afterAll(async () => { await served.stop() })
test.beforeEach(async () => { relay = await startTestRelay() })
test.afterEach(async () => { await relay.stop() })

/** A person with their own profile. */
class Person {
  readonly page: Page
  peer = ''
  addresses: readonly string[] = []
  constructor(page: Page) { this.page = page }

  static async join(mode: string): Promise<Person> {
    const person = new Person(await (await served.browser.newContext()).newPage())
    person.page.on('pageerror', error => { console.log(error.message) })
    await person.page.goto(`${served.origin}?rtc=${mode}`)
    await person.page.evaluate(url => { window.fixture.start([url]) }, relay.url)
    await person.page.waitForFunction(() => window.fixture.heard.some(event => event.type === 'self' && event.addresses.length > 0))
    const self = await person.page.evaluate(() => window.fixture.heard.findLast(event => event.type === 'self'))
    if (self?.type === 'self') { person.peer = self.peer; person.addresses = self.addresses }
    return person
  }

  async dial(other: Person): Promise<void> {
    await this.page.evaluate(([peer, addresses]) => { window.fixture.ask({ type: 'dial', peer, addresses }) }, [other.peer, other.addresses] as const)
  }

  async send(other: Person, length: number, times = 1): Promise<void> {
    await this.page.evaluate(([peer, length, times]) => { window.fixture.ask({ type: 'send', peer, bytes: new Uint8Array(length), times }) }, [other.peer, length, times] as const)
  }

  async echo(): Promise<void> { await this.page.evaluate(() => { window.fixture.ask({ type: 'echo' }) }) }

  /** Waits until the last word on the way to the other is this. */
  async isOn(path: string, other: Person): Promise<void> {
    await this.page.waitForFunction(([path, peer]) => window.fixture.heard.findLast(event =>
      (event.type === 'peer-up' || event.type === 'peer-path') && event.peer === peer && event.path === path), [path, other.peer] as const)
  }

  async framesFrom(other: Person, count: number): Promise<void> {
    await this.page.waitForFunction(([peer, count]) =>
      window.fixture.heard.filter(event => (event.type === 'frame' || event.type === 'big-frame') && event.peer === peer).length >= count, [other.peer, count] as const)
  }

  isDown(other: Person): Promise<boolean> { return this.page.evaluate(peer => window.fixture.heard.some(event => event.type === 'peer-down' && event.peer === peer), other.peer) }
}

for (const mode of ['transfer', 'port']) {
  test(`two workers talk over real WebRTC (${mode}) and go on when the relay dies`, async () => {
    const alice = await Person.join(mode), bob = await Person.join(mode)
    await bob.echo()
    await alice.dial(bob)
    await Promise.all([alice.isOn('direct', bob), bob.isOn('direct', alice)])
    expect(await alice.page.evaluate(() => window.fixture.states())).toEqual(['connected'])

    const before = await alice.page.evaluate(() => window.fixture.bytesOverWebrtc())
    await alice.send(bob, 500_000)
    await alice.framesFrom(bob, 1)
    // The browser's statistics lag a little.
    await expect.poll(() => alice.page.evaluate(() => window.fixture.bytesOverWebrtc())).toBeGreaterThan(before + 500_000)
    // Nobody was asked where we are: a list of STUN servers that we didn't choose would do that.
    expect(await alice.page.evaluate(() => window.fixture.iceServers())).toEqual([])

    await relay.stop()
    await alice.send(bob, 3, 10)
    await alice.framesFrom(bob, 11)
    expect([await alice.isDown(bob), await bob.isDown(alice)]).toEqual([false, false])
  })
}

test('where WebRTC is off on one side, frames flow through the relay', async () => {
  const alice = await Person.join('transfer'), bob = await Person.join('off')
  await bob.echo()
  await alice.dial(bob)
  await Promise.all([alice.isOn('relayed', bob), bob.isOn('relayed', alice)])
  await alice.send(bob, 20_000, 10)
  await alice.framesFrom(bob, 10)
  expect(await alice.isDown(bob)).toBe(false)
})
