/** Builds the pages of worker-fixture/ as the app is built, serves them, and starts the browser that shows them. */
import { chromium, type Browser } from '@playwright/test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { findBrowser } from './browser.ts'

const FLAGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export interface Served {
  readonly browser: Browser
  /** URL with a slash at its end. */
  readonly origin: string
  stop(): Promise<void>
}

export async function serveFixture(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'thicket-fixture-'))
  const root = new URL('./worker-fixture', import.meta.url).pathname
  await build({
    configFile: false, root, logLevel: 'error', worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, target: 'chrome130', minify: false, rollupOptions: { input: [join(root, 'index.html'), join(root, 'tabs.html')] } },
  })
  const server = await preview({ configFile: false, root, logLevel: 'error', build: { outDir: folder }, preview: { host: '127.0.0.1', port: 0 } })
  const browser = await chromium.launch({ executablePath: findBrowser() ?? '', args: FLAGS })
  return {
    browser,
    origin: server.resolvedUrls?.local[0] ?? '',
    stop: async () => {
      await browser.close()
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
