/** A person at their own browser, with a profile of their own and a line of their own to the world. Methods are what people do. */
import { once } from 'node:events'
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, expect, type BrowserContext, type Locator, type Page, type Request } from '@playwright/test'
import { WebSocketServer, type WebSocket as Socket } from 'ws'
import { findBrowser, isRoot } from './browser.ts'
import { filmOf } from './camera.ts'
import { killBrowser } from './kill.ts'
import { Tap } from './tap.ts'

/** Nothing that a browser does on its own may look like something that the app does. */
const QUIET = [
  '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--no-default-browser-check',
  '--disable-domain-reliability', '--no-pings', '--disable-field-trial-config',
]

export interface Wishes {
  /** false: a browser without WebRTC, as behind a firewall that lets no UDP through. */
  readonly webrtc?: boolean
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
  /** Text of a QR code that is held in front of the camera. */
  readonly camera?: string
  /** Runs in every page before the app. */
  readonly script?: () => void
}

/** What the page's peer connections say about themselves, gathered by `watchConnections`. */
export interface Connections { readonly iceServers: string[]; readonly open: number; readonly bytesReceived: number }

export class Person {
  readonly name: string
  readonly profile: string
  readonly tap = new Tap()
  /** What pages threw: always a bug. */
  readonly errors: string[] = []
  /** What pages and workers said on their consoles: shown when a test fails. */
  readonly console: string[] = []
  page!: Page
  private context: BrowserContext | undefined
  private readonly home: string
  private readonly wishes: Wishes
  private proxy = ''

  constructor(name: string, home: string, wishes: Wishes = {}) {
    this.name = name
    this.home = home
    this.wishes = wishes
    // In plain letters: where no locale is set, a browser may not find its own files again.
    this.profile = mkdtempSync(join(tmpdir(), `thicket-${name.toLowerCase().replace(/[^a-z]/g, '_')}-`))
  }

  /** Starts the browser and opens the app, or a link. */
  async open(address = this.home): Promise<void> {
    this.proxy ||= await this.tap.open()
    const executablePath = findBrowser()
    if (!executablePath) throw new Error('No browser')
    const { colorScheme = 'dark', width = 1100, webrtc = true } = this.wishes
    const args = isRoot ? [...QUIET, '--no-sandbox'] : [...QUIET]
    if (this.wishes.camera !== undefined) {
      const film = join(this.profile, 'camera.y4m')
      writeFileSync(film, filmOf(this.wishes.camera))
      args.push('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`)
    }
    this.context = await chromium.launchPersistentContext(this.profile, {
      executablePath,
      args,
      proxy: { server: this.proxy },
      viewport: { width, height: 760 },
      colorScheme,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write', ...(this.wishes.camera === undefined ? [] : ['camera'])],
    })
    await this.context.addInitScript(webrtc ? watchConnections : removeWebRtc)
    if (this.wishes.script) await this.context.addInitScript(this.wishes.script)
    this.page = this.context.pages()[0] ?? await this.context.newPage()
    this.listen(this.page)
    await this.page.goto(address)
  }

  /** First start: opens the app (or a link) and says who they are. */
  async start(address?: string): Promise<void> {
    await this.open(address)
    await this.introduce()
  }

  async introduce(): Promise<void> {
    await this.page.getByLabel('Your name').fill(this.name)
    await this.page.keyboard.press('Enter')
    // Whoever goes elsewhere before is a stranger there.
    await expect(this.page.getByRole('button', { name: 'Start' })).toBeHidden()
  }

  async createSpace(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Create a space' }).first().click()
    await this.page.getByLabel('Name of the space').fill(name)
    await this.page.keyboard.press('Enter')
    await this.isIn(name)
  }

  /** A space of theirs, in which these others are already. */
  async startsSpaceWith(space: string, ...others: Person[]): Promise<void> {
    await this.start()
    await this.createSpace(space)
    const link = await this.invite()
    for (const other of others) {
      await other.join(link)
      await other.isIn(space)
    }
  }

  /** Sees the space with a place to write: is a member. */
  async isIn(space: string): Promise<void> {
    // On a phone it is in a drawer.
    await expect(this.page.getByRole('heading', { name: space, exact: true, includeHidden: true }).first()).toBeAttached()
    await expect(this.composer()).toBeEnabled()
  }

  /** Makes an invite and takes its link. */
  async invite(): Promise<string> {
    await this.openInvite()
    const link = await this.inviteLink().inputValue()
    await this.page.keyboard.press('Escape')
    return link
  }

  async openInvite(): Promise<void> {
    // On a phone it is behind another button.
    const more = this.page.getByRole('button', { name: 'More', exact: true })
    if (await more.isVisible()) {
      await more.click()
      await this.page.getByRole('menuitem', { name: 'Invite' }).click()
    } else await this.page.getByRole('button', { name: 'Invite' }).first().click()
    await expect(this.inviteLink()).toHaveValue(/^http/)
  }

  private inviteLink(): Locator { return this.page.getByRole('textbox', { name: 'Invite link' }) }

  async revokeInvite(): Promise<void> {
    await this.openInvite()
    await this.page.getByRole('button', { name: 'Take back' }).click()
    await expect(this.page.getByRole('button', { name: 'Take back' })).toBeHidden()
    await this.page.keyboard.press('Escape')
  }

  /** Opens a link: the app shows what it is, and the person says yes. In a fresh profile it asks for the name as well. */
  async join(link: string): Promise<void> {
    if (this.context) await this.follow(link)
    else {
      await this.open(link)
      await this.page.getByLabel('Your name').fill(this.name)
    }
    await this.page.getByRole('button', { name: /^Join/ }).click()
  }

  /** Opens a link in the tab that is there, as a click in a mail would in a new one: from the beginning. */
  async follow(link: string): Promise<void> {
    await this.page.goto('about:blank')
    await this.page.goto(link)
  }

  async write(text: string): Promise<void> {
    await this.composer().fill(text)
    await this.composer().press('Enter')
    await this.sees(text)
  }

  async sees(text: string): Promise<void> { await expect(this.message(text)).toBeVisible() }

  /** All messages on the screen, oldest first. */
  async messages(): Promise<string[]> { return this.page.getByTestId('message-text').allTextContents() }

  /** The send state of an own message as a screen reader says it. */
  messageState(text: string): Locator { return this.message(text).getByTestId('send-state') }

  message(text: string): Locator { return this.page.getByRole('log').getByRole('article').filter({ hasText: text }) }

  /** From the menu of a message that is on the screen. */
  async chooses(text: string, action: string): Promise<void> {
    await this.message(text).first().click({ button: 'right', position: { x: 4, y: 4 } })
    await this.page.getByRole('menuitem', { name: action, exact: true }).click()
  }

  /** From the menu of a member. */
  async doesWith(member: string, action: string): Promise<void> {
    await this.page.getByRole('button', { name: `What to do with ${member}` }).click()
    await this.page.getByRole('menuitem', { name: action, exact: true }).click()
  }

  /** From the menu of the space. */
  async opens(item: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Space settings' }).click()
    await this.page.getByRole('menuitem', { name: item, exact: true }).click()
  }

  async createChannel(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New channel', exact: true }).click()
    await this.page.getByLabel('Name of the channel').fill(name)
    await this.page.keyboard.press('Enter')
    await expect(this.page.getByRole('textbox', { name: `Message #${name}` })).toBeVisible()
  }

  async openChannel(name: string): Promise<void> {
    // What is unread in it stands behind its name.
    await this.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: new RegExp(`^${name}(,|$)`) }).click()
    await expect(this.page.getByRole('textbox', { name: `Message #${name}` })).toBeVisible()
  }

  /** The settings of the lock. */
  async openLock(): Promise<void> {
    await this.page.getByRole('button', { name: 'Settings', exact: true }).click()
    await this.page.getByRole('button', { name: /^Ask for a passphrase/ }).click()
  }

  /** Sets a passphrase and answers with the unlock code. */
  async setsLock(passphrase: string): Promise<string> {
    await this.openLock()
    await this.page.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    await this.page.getByLabel('Once more').fill(passphrase)
    await this.page.getByRole('button', { name: 'Set the passphrase' }).click()
    const code = await this.page.getByTestId('recovery-code').textContent() ?? ''
    await this.page.getByLabel('I have written it down').check()
    await this.page.getByRole('button', { name: 'Done' }).click()
    await this.page.keyboard.press('Escape')
    return code
  }

  async locksNow(): Promise<void> {
    await this.openLock()
    await this.page.getByRole('button', { name: 'Lock now, in all tabs' }).click()
  }

  /** At the locked door. */
  async tries(passphrase: string): Promise<void> {
    await this.page.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    await this.page.keyboard.press('Enter')
  }

  /** A device with a fingerprint reader, of which the browser plays the part. */
  async hasAuthenticator(): Promise<void> {
    const session = await this.opened().newCDPSession(this.page)
    await session.send('WebAuthn.enable')
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true },
    })
  }

  composer(): Locator { return this.page.getByRole('textbox', { name: /^Message/ }) }

  member(name: string): Locator { return this.page.getByRole('list', { name: /members/i }).getByRole('listitem').filter({ hasText: name }) }

  /** Nothing waits here any more: whoever comes later finds it at the relay. */
  async everythingIsAtTheRelay(): Promise<void> { await expect(this.connectionChip()).not.toHaveAccessibleName(/queued/i) }

  connectionChip(): Locator { return this.page.getByTestId('connection') }

  /** Cuts everything: the line, what the browser says about it, and the peer connections, which don't go through the line. */
  async goOffline(): Promise<void> {
    this.tap.cut()
    await this.context?.setOffline(true)
    await this.page.evaluate(() => globalThis.peerConnections?.all.forEach(connection => connection.close()))
  }

  async comeBack(): Promise<void> {
    this.tap.mend()
    await this.context?.setOffline(false)
  }

  async connections(): Promise<Connections> {
    return this.page.evaluate(async () => {
      const { all, iceServers } = globalThis.peerConnections ?? { all: [], iceServers: [] }
      let open = 0, bytesReceived = 0
      for (const connection of all.filter(each => each.connectionState === 'connected')) {
        open++
        for (const report of (await connection.getStats()).values()) if (report.type === 'transport') bytesReceived += report.bytesReceived
      }
      return { iceServers, open, bytesReceived }
    })
  }

  /** Every request of the page, its workers and the service worker, from now on. */
  hears(listen: (request: Request) => void): void { this.opened().on('request', listen) }

  /** What keeps a browser from offering to install the app. */
  async whyNotInstallable(): Promise<string[]> {
    const session = await this.opened().newCDPSession(this.page)
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
    return installabilityErrors.map(error => error.errorId)
  }

  /** The server has a new version of the app, and the browser looks. */
  async getsANewVersion(): Promise<void> {
    this.tap.newer.set('/sw.js', '\n// A newer version\n')
    await this.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())
  }

  /** Sends a text over the line, by HTTP and by WebSocket, and stores it in the profile, all in clear: a search that misses these would miss anything. */
  async plants(text: string): Promise<void> {
    const listener = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(listener, 'listening')
    const heard = once(listener, 'connection').then(([socket]) => once(socket as Socket, 'message'))
    const blank = await this.opened().newPage()
    await blank.evaluate(([port, text]) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`)
      socket.onopen = () => socket.send(text)
    }, [(listener.address() as AddressInfo).port, `${text}-socket`] as const)
    await heard
    await blank.close()
    listener.close()
    await this.page.evaluate(async text => {
      await fetch('/v1/planted', { method: 'POST', body: `${text}-request` })
      const opening = indexedDB.open('planted', 1)
      opening.onupgradeneeded = () => opening.result.createObjectStore('rows')
      await new Promise(resolve => { opening.onsuccess = resolve })
      const transaction = opening.result.transaction('rows', 'readwrite')
      transaction.objectStore('rows').put(`${text}-small`, 1)
      transaction.objectStore('rows').put(`${text}-large `.repeat(20_000) + `${text}-large-end`, 2)
      await new Promise(resolve => { transaction.oncomplete = resolve })
    }, text)
  }

  /** Another tab of the same profile. */
  async secondTab(): Promise<Page> {
    const page = await this.opened().newPage()
    this.listen(page)
    await page.goto(this.home)
    return page
  }

  /** A page of the app's origin without the app in it. */
  async bareTab(): Promise<Page> {
    const page = await this.opened().newPage()
    await page.goto(`${this.home}/favicon.svg`)
    return page
  }

  /** From now on the person looks at this tab. */
  lookAt(page: Page): void { this.page = page }

  /** The service worker holds the app: from now on it starts without a network. */
  async appIsKept(): Promise<void> {
    await this.page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  }

  async reload(): Promise<void> { await this.page.reload() }

  /** Closes the browser in peace and opens it again. */
  async restart(): Promise<void> {
    await this.leave()
    await this.open()
  }

  /** Closes the browser in peace. The profile stays. */
  async leave(): Promise<void> {
    await this.context?.close()
    this.context = undefined
  }

  /** Closes the browser, and copies all it keeps. Opened again, it is as if nothing had been. */
  async backsUp(): Promise<string> {
    await this.leave()
    const copy = `${this.profile}-backup`
    cpSync(this.profile, copy, { recursive: true })
    return copy
  }

  /** What the browser kept is as it was when the copy was made. */
  async restores(copy: string): Promise<void> {
    await this.leave()
    rmSync(this.profile, { recursive: true })
    renameSync(copy, this.profile)
  }

  /** kill -9 of the whole browser. */
  async kill(): Promise<void> {
    await killBrowser(this.opened(), this.profile)
    this.context = undefined
  }

  /** After the test. */
  async cleanUp(): Promise<void> {
    await this.leave()
    await this.tap.close()
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }

  private opened(): BrowserContext {
    if (!this.context) throw new Error(`${this.name}'s browser is not open`)
    return this.context
  }

  private listen(page: Page): void {
    page.on('console', message => this.console.push(`${this.name}: ${message.type()}: ${message.text()}`))
    page.on('pageerror', error => this.errors.push(`${this.name}: ${error.stack ?? error.message}`))
  }
}

declare global {
  var peerConnections: { all: RTCPeerConnection[]; iceServers: string[] } | undefined
}

/** Runs in the page before the app: remembers each peer connection and the servers that it was given. */
function watchConnections(): void {
  const seen: NonNullable<typeof globalThis.peerConnections> = { all: [], iceServers: [] }
  globalThis.peerConnections = seen
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      seen.all.push(this)
      seen.iceServers.push(...(configuration?.iceServers ?? []).flatMap(server => server.urls))
    }
  }
}

function removeWebRtc(): void {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'RTCIceCandidate', 'RTCSessionDescription']) {
    Reflect.deleteProperty(globalThis, name)
  }
}
