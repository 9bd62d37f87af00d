/** Reads what requests bring, within limits: per request, and for all of them together, since strangers choose how many they send and how slowly. */
import type { IncomingMessage } from 'node:http'

/** Bytes of unfinished bodies held at a time. */
const MAX_HELD_BYTES = 128 * 1024 * 1024

export class Bodies {
  private held = 0

  /** The whole body, or why there is none. */
  read(request: IncomingMessage, max: number): Promise<Uint8Array | 'too-large' | 'busy' | 'gone'> {
    return new Promise((resolve) => {
      const parts: Buffer[] = []
      let size = 0
      const end = (result: Uint8Array | 'too-large' | 'busy' | 'gone'): void => {
        this.held -= size
        size = 0
        parts.length = 0
        request.removeAllListeners('data')
        // Read on and thrown away: an answer sent into unread data would be lost on the way.
        request.resume()
        resolve(result)
      }
      if (Number(request.headers['content-length'] ?? 0) > max) return end('too-large')
      request.on('data', (part: Buffer) => {
        size += part.length
        this.held += part.length
        parts.push(part)
        if (size > max) end('too-large')
        else if (this.held > MAX_HELD_BYTES) end('busy')
      })
      request.once('end', () => end(new Uint8Array(Buffer.concat(parts))))
      request.once('close', () => end('gone'))
      request.once('error', () => end('gone'))
    })
  }
}
