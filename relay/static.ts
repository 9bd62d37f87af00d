/** The built app's files. Read once at start: a file that was not there then does not exist, so no path can lead outside. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash } from 'node:crypto'
import { brotliCompressSync, constants } from 'node:zlib'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.svg': 'image/svg+xml',
  '.png': 'image/png', '.ico': 'image/x-icon', '.webmanifest': 'application/manifest+json', '.wasm': 'application/wasm', '.txt': 'text/plain; charset=utf-8', '.map': 'application/json', '.woff2': 'font/woff2',
}
/** People choose their relays, so connections may go to any host over these schemes; code comes from here only. */
const POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "font-src 'self'", "media-src 'self' blob:",
  'connect-src \'self\' https: wss: http: ws:', "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ')

interface File { readonly body: Buffer; readonly brotli: Buffer | undefined; readonly type: string; readonly tag: string; readonly isHashed: boolean }

export class StaticFiles {
  private readonly files = new Map<string, File>()

  constructor(root: string) {
    for (const path of list(root)) {
      const body = readFileSync(path)
      const name = `/${relative(root, path).split(sep).join('/')}`
      const type = TYPES[extname(path)] ?? 'application/octet-stream'
      const brotli = /^text|javascript|json|svg|wasm/.test(type) ? brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }) : undefined
      this.files.set(name, { body, brotli, type, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`, isHashed: name.startsWith('/assets/') })
    }
  }

  get isEmpty(): boolean { return !this.files.has('/index.html') }

  /** Answers GET and HEAD. Unknown paths without an ending are the app's own (its links live behind #). */
  serve(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') { response.writeHead(405, { allow: 'GET, HEAD' }).end(); return }
    const file = this.files.get(path === '/' ? '/index.html' : path) ?? (extname(path) === '' ? this.files.get('/index.html') : undefined)
    if (file === undefined) { response.writeHead(404, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' }).end('Not found'); return }
    const isBrotli = file.brotli !== undefined && /\bbr\b/.test(request.headers['accept-encoding'] ?? '')
    const body = isBrotli ? (file.brotli as Buffer) : file.body
    const headers: Record<string, string | number> = {
      'content-type': file.type, 'cache-control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache', etag: file.tag, vary: 'accept-encoding',
      'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'geolocation=(), payment=(), usb=(), camera=(self), microphone=(self)',
    }
    if (request.headers['if-none-match'] === file.tag) { response.writeHead(304, headers).end(); return }
    response.writeHead(200, { ...headers, 'content-length': body.length, ...(isBrotli ? { 'content-encoding': 'br' } : {}) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

function* list(dir: string): Iterable<string> {
  let names: string[]
  try { names = readdirSync(dir) } catch { return }
  for (const name of names) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) yield* list(path); else yield path
  }
}
