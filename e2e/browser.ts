/**
 * Finds the browser that the end-to-end tests drive, or installs one. As a program (`npm run e2e` starts with it) it prints which one it took,
 * or says what to do and ends with 1. Tests drive whole Chromium, not Playwright's headless shell: that one has no service worker updates.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { chromium } from '@playwright/test'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge']
const MAC = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']

export const isRoot = process.getuid?.() === 0

/** The path of a browser that runs: CHROMIUM_PATH, then what the machine has, then Playwright's own. Installs nothing. */
export function findBrowser(): string | undefined {
  const chosen = process.env.CHROMIUM_PATH
  // A wrong choice is an error, not a reason to take another browser quietly.
  if (chosen) return runs(chosen) ? chosen : undefined
  const folders = (process.env.PATH ?? '').split(delimiter)
  const candidates = NAMES.flatMap(name => folders.map(folder => join(folder, name))).concat(MAC, chromium.executablePath())
  return candidates.find(runs)
}

/** Ubuntu's chromium packages put a script there that only tells you to use snap, so being a file isn't enough. */
function runs(path: string): boolean {
  try { accessSync(path, constants.X_OK) } catch { return false }
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0
}

function run(command: string, ...words: string[]): boolean {
  console.log(`> ${[command, ...words].join(' ')}`)
  return spawnSync(command, words, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
}

const isDebian = (): boolean => existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))

function installWithApt(): string | undefined {
  if (!isRoot || !isDebian()) return undefined
  run('apt-get', 'update', '-qq')
  run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium')
  return findBrowser()
}

function installWithPlaywright(): string | undefined {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  // Libraries of the system come along only where we may install them.
  run(process.execPath, cli, 'install', ...(isRoot && isDebian() ? ['--with-deps'] : []), '--no-shell', 'chromium')
  return findBrowser()
}

/** What stands in the way of the end-to-end tests, and the next step. */
export function noBrowserMessage(): string {
  const chosen = process.env.CHROMIUM_PATH
  return chosen
    ? `CHROMIUM_PATH is ${chosen}, and there is no browser there that runs. Correct it, or leave it out to have one found.`
    : 'The end-to-end tests need Chromium or Chrome, none was found, and none could be installed.\n' +
      'Install one (Debian and Ubuntu: sudo apt-get install chromium; others: npx playwright install --with-deps chromium),\n' +
      'or say where it is: CHROMIUM_PATH=/path/to/chromium npm test'
}

if (import.meta.main) {
  const path = findBrowser() ?? (process.env.CHROMIUM_PATH ? undefined : installWithApt() ?? installWithPlaywright())
  console.log(path ? `End-to-end tests drive ${path}` : noBrowserMessage())
  process.exit(path ? 0 : 1)
}
