/** The app's files as a browser gets them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StaticFiles } from './static.ts'

const root = mkdtempSync(join(tmpdir(), 'dist-'))
let server: Server
let url = ''
beforeAll(async () => {
  mkdirSync(join(root, 'assets'))
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>Thicket</title>')
  writeFileSync(join(root, 'assets', 'app-1a2b.js'), 'export const hello = 1\n'.repeat(50))
  const files = new StaticFiles(root)
  server = createServer((request, response) => files.serve(request, response, request.url ?? ''))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => { server.close(); rmSync(root, { recursive: true }) })

test('the page may run only its own code, and be framed by nobody', async () => {
  const { headers } = await fetch(`${url}/`)
  const policy = headers.get('content-security-policy') ?? ''
  for (const part of ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]) expect(policy).toContain(part)
  expect(policy).not.toMatch(/script-src[^;]*'unsafe-inline'/)
  expect([headers.get('x-content-type-options'), headers.get('referrer-policy'), headers.get('cross-origin-opener-policy')]).toEqual(['nosniff', 'no-referrer', 'same-origin'])
})

test('hashed files are kept for ever, the page is asked for again, and an unchanged one costs nothing', async () => {
  const page = await fetch(`${url}/index.html`), script = await fetch(`${url}/assets/app-1a2b.js`)
  expect([page.headers.get('cache-control'), script.headers.get('cache-control')]).toEqual(['no-cache', 'public, max-age=31536000, immutable'])
  expect((await fetch(`${url}/`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })).status).toBe(304)
})

test('packs what a browser can unpack, and tells the length without the body', async () => {
  const packed = await fetch(`${url}/assets/app-1a2b.js`, { headers: { 'accept-encoding': 'br' } })
  expect(packed.headers.get('content-encoding')).toBe('br')
  expect((await packed.text()).length).toBe(50 * 23)
  const head = await fetch(`${url}/`, { method: 'HEAD' })
  expect([head.headers.get('content-length'), await head.text()]).toEqual(['37', ''])
})

test('paths of the app lead to its page, missing files nowhere', async () => {
  expect(await (await fetch(`${url}/join`)).text()).toContain('Thicket')
  expect((await fetch(`${url}/assets/gone.js`)).status).toBe(404)
})
