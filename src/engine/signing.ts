import { decodeOp, encodeHeader, encodeOp, type Op, type OpHeader, opSignedBytes } from '../wire/op.ts'
import type { Me, World } from './turn.ts'

/** Hashes, signs and encodes an op of this device. */
export async function signOp(world: World, me: Me, header: OpHeader, body: Uint8Array): Promise<Op> {
  const whole = { ...header, bodyHash: world.suite.sha256(body) }
  const bytes = encodeHeader(whole)
  const idBytes = world.suite.sha256(bytes)
  const sig = await world.suite.sign(me.deviceKey.secretKey, opSignedBytes(idBytes))
  const op = decodeOp(encodeOp(bytes, body, sig), (b) => world.suite.sha256(b))
  if (op === undefined) throw new Error(`own ${header.type} op does not decode`)
  return op
}

