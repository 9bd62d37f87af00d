import { randomBytes } from 'node:crypto'
import { afterAll, describe } from 'vitest'
import { createNetwork } from './network-libp2p.ts'
import { networkContract } from './network.contract.ts'
import { startTestRelay, type TestRelay } from './network-test-relay.ts'

let shared: Promise<TestRelay> | undefined
const relay = async (): Promise<string> => (await (shared ??= startTestRelay())).url
afterAll(async () => { await (await shared)?.stop() })
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

describe('over circuits alone', () => networkContract({ relay, network: () => createNetwork({ randomBytes: bytes, webrtc: false }) }))

describe('with WebRTC', () => networkContract({ relay, network: () => createNetwork({ randomBytes: bytes }) }))
