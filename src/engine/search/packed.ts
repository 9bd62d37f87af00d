/** Numbers and short texts in as few bytes as they need: LEB128, little end first. Readers never throw; a reader that ran out says so. */
import { fromUtf8, putHex, utf8 } from '../../wire/bytes.ts'

export class Packer {
  private bytes = new Uint8Array(256)
  length = 0

  private room(n: number): void {
    if (this.length + n <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /** A safe integer, 0 or more. */
  number(value: number): void {
    this.room(8)
    let rest = value
    // Bit operations hold 32 bits only.
    while (rest >= 0x8000_0000) { this.bytes[this.length++] = (rest % 128) | 128; rest = Math.floor(rest / 128) }
    while (rest >= 128) { this.bytes[this.length++] = (rest & 127) | 128; rest >>>= 7 }
    this.bytes[this.length++] = rest
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  sized(bytes: Uint8Array): void { this.number(bytes.length); this.raw(bytes) }

  /** As `sized`, of the beginning of some: most are a few bytes, and a view of them would cost more than they do. */
  sizedPart(bytes: Uint8Array, length: number): void {
    this.room(length + 8)
    this.number(length)
    for (let n = 0; n < length; n++) this.bytes[this.length++] = bytes[n] as number
  }

  /** Bytes, from lower-case hex. */
  hex(text: string): void {
    this.room(text.length / 2)
    putHex(this.bytes, this.length, text)
    this.length += text.length / 2
  }

  text(text: string): void {
    // Most terms are plain ASCII, and asking the encoder for each costs more than all the rest.
    this.room(text.length + 8)
    const start = this.length
    this.number(text.length)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) { this.length = start; return this.sized(utf8(text)) }
      this.bytes[this.length++] = code
    }
  }

  clear(): void { this.length = 0 }

  /** What was packed, until more is. */
  view(): Uint8Array { return this.bytes.subarray(0, this.length) }

  take(): Uint8Array { return this.bytes.slice(0, this.length) }
}

export class Unpacker {
  private readonly bytes: Uint8Array
  private at = 0
  /** Something was missing: what came since is worth nothing. */
  failed = false

  constructor(bytes: Uint8Array) { this.bytes = bytes }

  get done(): boolean { return this.at >= this.bytes.length }

  number(): number {
    let value = 0, scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    this.failed = true
    return 0
  }

  raw(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) { this.failed = true; return new Uint8Array() }
    const out = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    return out
  }

  sized(): Uint8Array { return this.raw(this.number()) }

  text(): string {
    const bytes = this.sized()
    let plain = ''
    for (let i = 0; i < bytes.length; i++) {
      const code = bytes[i] as number
      if (code > 127) {
        const text = fromUtf8(bytes)
        if (text === undefined) this.failed = true
        return text ?? ''
      }
      plain += String.fromCharCode(code)
    }
    return plain
  }
}
