/// <reference types="vitest/config" />
/**
 * How the app is built and how the unit tests run. Everything the browser gets comes out of `src` and `public` into `dist`,
 * which the relay serves. The same sources give the same bytes: names carry content hashes, nothing carries a date.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

/** The oldest engines that can hand an RTCDataChannel to a worker, or, for Safari, that run the rest of what we ship. */
const OLDEST_BROWSERS = ['chrome130', 'firefox144', 'safari17.4']

/** Where `npm run relay` listens while `npm run dev` serves the app. */
const DEV_RELAY = process.env.THICKET_RELAY ?? 'http://127.0.0.1:8080'

export default defineConfig({
  root: 'src',
  publicDir: '../public',
  plugins: [
    svelte({ configFile: false }),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'sw',
      filename: 'sw.ts',
      // src/sw/register.ts does it: an inline script would need a hole in the content security policy.
      injectRegister: false,
      registerType: 'prompt',
      manifest: {
        id: '/',
        name: 'Thicket',
        short_name: 'Thicket',
        description: 'A home for your group that opens from a link: no account, end-to-end encrypted, works offline.',
        start_url: '/',
        scope: '/',
        display: 'standalone',
        lang: 'en',
        categories: ['social', 'productivity'],
        background_color: '#12171a',
        theme_color: '#12171a',
        icons: [
          { src: '/icons/192.png', sizes: '192x192', type: 'image/png' },
          { src: '/icons/512.png', sizes: '512x512', type: 'image/png' },
          { src: '/icons/maskable.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          { src: '/favicon.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      injectManifest: {
        target: OLDEST_BROWSERS,
        // The icons that only an installer asks for stay out: they would double what a first visit downloads.
        globPatterns: ['**/*.{html,js,css,wasm,svg,woff2}'],
        maximumFileSizeToCacheInBytes: 8 * 1024 * 1024,
      },
    }),
  ],
  // A worker may import: without 'es' Vite would fold it into one script and lazy parts could not be.
  worker: { format: 'es' },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: OLDEST_BROWSERS,
    sourcemap: true,
    // Inlined assets would be data: URLs, which the content security policy forbids for scripts and fonts.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      '/v1': { target: DEV_RELAY, ws: true },
      '/libp2p': { target: DEV_RELAY, ws: true },
    },
  },
  test: {
    root: '.',
    environment: 'node',
    include: ['src/**/*.test.ts', 'relay/**/*.test.ts'],
    setupFiles: ['src/fixed-seed.ts'],
    // Worker threads start three times faster than processes; two of them fill the smallest machine we support.
    pool: 'threads',
    maxWorkers: 2,
    // MLS on a busy two-core machine is slow; a test that hangs still ends.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
