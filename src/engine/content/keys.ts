/**
 * Everything that hangs off an epoch's secret ES = MLS-Exporter("tk1 epoch", ...):
 *
 *   content   CS = Expand(ES, "tk1 chan" || 0 || channel); K, kid and the nonce key are labels under CS
 *   envelope  Expand(ES, "tk1 env"): what relays and gossip see is sealed under it; its hint tells members which epoch to try
 *   back-link Expand(ES, "tk1 back"): seals the parent's ES inside the commit, where newcomers may read the past
 *   relay key Expand(ES, "tk1 relay") of the epoch that started it: topics at relays. Later commits carry it sealed.
 *
 * kid is key id and key commitment: readers look it up, they never try keys.
 */
import type { Ciphersuite } from '../../ports.ts'
import { equal, fromHex, toHex } from '../../wire/bytes.ts'
import type { ChannelId, EpochId } from '../../wire/ids.ts'
import { LABELS } from '../labels.ts'

export interface ContentKey { readonly key: Uint8Array; readonly kid: Uint8Array; readonly nonceKey: Uint8Array }

const ZERO = new Uint8Array(1)
const NO_AAD = new Uint8Array()

export class EpochKeys {
  private readonly suite: Ciphersuite
  private readonly secrets = new Map<EpochId, Uint8Array>()
  private readonly envelopes = new Map<EpochId, Uint8Array>()
  private readonly byHint = new Map<string, EpochId>()
  /** With a secret whose hint nobody has asked for: few of a thousand epochs are ever written in again. */
  private unhinted: EpochId[] = []
  private readonly content = new Map<string, ContentKey>()
  readonly relayKeys = new Map<EpochId, Uint8Array>()

  constructor(suite: Ciphersuite) { this.suite = suite }

  get size(): number { return this.secrets.size }
  has(epoch: EpochId): boolean { return this.secrets.has(epoch) }
  secret(epoch: EpochId): Uint8Array | undefined { return this.secrets.get(epoch) }
  epochs(): Iterable<EpochId> { return this.secrets.keys() }

  /** The commitment that the commit's signed body carries. */
  check(secret: Uint8Array): Uint8Array { return this.suite.sha256(LABELS.epochCheck, secret) }
  matches(secret: Uint8Array, check: Uint8Array): boolean { return equal(this.check(secret), check) }

  /** The space's relay key as an epoch has it: begun by it, or carried on from before. undefined where what it carries can't be opened. */
  relayKeyIn(secret: Uint8Array, carried: Uint8Array | undefined): Uint8Array | undefined {
    return carried === undefined ? this.relayKeyOf(secret) : this.openSecret(secret, LABELS.relayKeySeal, carried)
  }

  /** The commitment to what newcomers are told of an epoch; undefined as for the relay key. */
  kitCheck(secret: Uint8Array, carried: Uint8Array | undefined): Uint8Array | undefined {
    const relayKey = this.relayKeyIn(secret, carried)
    return relayKey === undefined ? undefined : this.kitCheckOf(this.envelopeOf(secret), relayKey)
  }
  kitCheckOf(envelope: Uint8Array, relayKey: Uint8Array): Uint8Array { return this.suite.sha256(LABELS.kitCheck, envelope, relayKey) }

  private envelopeOf(secret: Uint8Array): Uint8Array { return this.suite.expand(secret, 32, LABELS.envelopeKey) }

  add(epoch: EpochId, secret: Uint8Array): void {
    this.secrets.set(epoch, secret)
    this.envelopes.delete(epoch)
    this.unhinted.push(epoch)
  }

  /** A newcomer may get an epoch's envelope key without its secret: it can write to the group before it can read it. */
  addEnvelope(epoch: EpochId, key: Uint8Array): void {
    this.envelopes.set(epoch, key)
    this.byHint.set(toHex(this.hint(key)), epoch)
  }

  private envelopeKey(epoch: EpochId): Uint8Array | undefined {
    const known = this.envelopes.get(epoch), secret = this.secrets.get(epoch)
    if (known !== undefined || secret === undefined) return known
    const key = this.envelopeOf(secret)
    this.envelopes.set(epoch, key)
    return key
  }

  envelope(epoch: EpochId): { key: Uint8Array; hint: Uint8Array } | undefined {
    const key = this.envelopeKey(epoch)
    return key === undefined ? undefined : { key, hint: this.hint(key) }
  }

  epochByHint(hint: Uint8Array): EpochId | undefined {
    const wanted = toHex(hint)
    // The newest first: most of what comes is written in the tip.
    while (!this.byHint.has(wanted)) {
      const epoch = this.unhinted.pop(), secret = epoch === undefined ? undefined : this.secrets.get(epoch)
      if (epoch === undefined || secret === undefined) break
      this.byHint.set(toHex(this.hint(this.envelopeOf(secret))), epoch)
    }
    return this.byHint.get(wanted)
  }

  envelopeByHint(hint: Uint8Array): Uint8Array | undefined {
    const epoch = this.epochByHint(hint)
    return epoch === undefined ? undefined : this.envelopeKey(epoch)
  }

  private hint(key: Uint8Array): Uint8Array { return this.suite.expand(key, 8, LABELS.envelopeHint) }

  contentKey(epoch: EpochId, channel: ChannelId): ContentKey | undefined {
    const secret = this.secrets.get(epoch)
    if (secret === undefined) return undefined
    const id = epoch + channel
    const known = this.content.get(id)
    if (known !== undefined) return known
    const cs = this.suite.expand(secret, 32, LABELS.channel, ZERO, fromHex(channel) as Uint8Array)
    const made = {
      key: this.suite.expand(cs, 32, LABELS.contentKey), kid: this.suite.expand(cs, 16, LABELS.contentKeyId), nonceKey: this.suite.expand(cs, 32, LABELS.contentNonce),
    }
    this.content.set(id, made)
    return made
  }

  relayKeyOf(secret: Uint8Array): Uint8Array { return this.suite.expand(secret, 32, LABELS.relayKey) }

  /** Seals one 32-byte secret under another, with a nonce derived from both: 72 bytes, the same each time. */
  sealSecret(under: Uint8Array, label: Uint8Array, secret: Uint8Array): Uint8Array {
    const key = this.suite.expand(under, 32, label)
    const nonce = this.suite.hmac(key, secret).subarray(0, 24)
    const sealed = this.suite.seal(key, nonce, NO_AAD, secret)
    const out = new Uint8Array(24 + sealed.length)
    out.set(nonce)
    out.set(sealed, 24)
    return out
  }

  openSecret(under: Uint8Array, label: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.suite.expand(under, 32, label)
    const secret = this.suite.open(key, sealed.subarray(0, 24), NO_AAD, sealed.subarray(24))
    return secret?.length === 32 ? secret : undefined
  }
}
