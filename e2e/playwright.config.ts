/** End-to-end tests: real browsers, the built app, a real relay. One test at a time: each holds two or three whole browsers. */
import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'
import { findBrowser, noBrowserMessage } from './browser.ts'

if (!findBrowser()) throw new Error(noBrowserMessage())
if (!existsSync(new URL('../dist/index.html', import.meta.url))) throw new Error('There is no built app to test. Run `npm run build` first.')

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  workers: 1,
  fullyParallel: false,
  // A test that fails once in a while has found something.
  retries: 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: true, sources: false },
  },
})
