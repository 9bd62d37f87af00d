/** RFC 9420's public test vectors for our ciphersuite, as far as they don't need PrivateMessage, on both engines. */
import { refhash } from 'ts-mls/crypto/hash.js'
import { decryptWithLabel, encryptWithLabel } from 'ts-mls/crypto/hpke.js'
import { deriveSecret, expandWithLabel } from 'ts-mls/crypto/kdf.js'
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js'
import { decodeGroupContext } from 'ts-mls/groupContext.js'
import { initializeEpoch } from 'ts-mls/keySchedule.js'
import { copath, directPath, leafToNodeIndex, left, nodeWidth, parent, right, root, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import { fromHex, toHex } from '../../wire/bytes.ts'
import vectors from './vectors/rfc9420.json' with { type: 'json' }

const hex = (text: string): Uint8Array => fromHex(text) ?? expect.unreachable('not hex')

describe.each(['webcrypto', 'noble'] as const)('RFC 9420 vectors on %s', (engine) => {
  test('crypto basics', async () => {
    const { mls } = await createSuite(seededRandom(1), engine)
    const { refHash, expandWithLabel: expand, deriveSecret: derive, signWithLabel: sign, encryptWithLabel: encrypt } = vectors.cryptoBasics
    expect(toHex(await refhash(refHash.label, hex(refHash.value), mls.hash))).toBe(refHash.out)
    expect(toHex(await expandWithLabel(hex(expand.secret), expand.label, hex(expand.context), expand.length, mls.kdf))).toBe(expand.out)
    expect(toHex(await deriveSecret(hex(derive.secret), derive.label, mls.kdf))).toBe(derive.out)
    expect(await verifyWithLabel(hex(sign.pub), sign.label, hex(sign.content), hex(sign.signature), mls.signature)).toBe(true)
    expect(toHex(await signWithLabel(hex(sign.priv), sign.label, hex(sign.content), mls.signature))).toBe(sign.signature)
    const key = await mls.hpke.importPrivateKey(hex(encrypt.priv))
    expect(toHex(await decryptWithLabel(key, encrypt.label, hex(encrypt.context), hex(encrypt.kemOutput), hex(encrypt.ciphertext), mls.hpke))).toBe(encrypt.plaintext)
    const again = await encryptWithLabel(await mls.hpke.importPublicKey(hex(encrypt.pub)), encrypt.label, hex(encrypt.context), hex(encrypt.plaintext), mls.hpke)
    expect(toHex(await decryptWithLabel(key, encrypt.label, hex(encrypt.context), again.enc, again.ct, mls.hpke))).toBe(encrypt.plaintext)
  })

  test('key schedule', async () => {
    const { mls } = await createSuite(seededRandom(1), engine)
    let initSecret = hex(vectors.keySchedule.initialInitSecret)
    for (const epoch of vectors.keySchedule.epochs) {
      const [context] = decodeGroupContext(hex(epoch.groupContext), 0) ?? expect.unreachable('no group context')
      const made = await initializeEpoch(initSecret, hex(epoch.commitSecret), context, hex(epoch.pskSecret), mls.kdf)
      const { keySchedule: keys } = made
      for (const name of ['joinerSecret', 'welcomeSecret', 'encryptionSecret'] as const) expect(toHex(made[name]), name).toBe(epoch[name])
      const kept = ['initSecret', 'exporterSecret', 'epochAuthenticator', 'externalSecret', 'confirmationKey', 'membershipKey'] as const
      for (const name of kept) expect(toHex(keys[name]), name).toBe(epoch[name])
      const { publicKey } = await mls.hpke.deriveKeyPair(keys.externalSecret)
      expect(toHex(await mls.hpke.exportPublicKey(publicKey))).toBe(epoch.externalPub)
      initSecret = keys.initSecret
    }
  })
})

test('tree math (RFC 9420, appendix C): the tree of eight leaves, and what must hold in every full tree', () => {
  const eight = { root: root(8), width: nodeWidth(8), path: directPath(leafToNodeIndex(toLeafIndex(5)), 8), copath: copath(leafToNodeIndex(toLeafIndex(5)), 8) }
  expect(eight).toEqual({ root: 7, width: 15, path: [9, 11, 7], copath: [8, 13, 3] })
  for (const leaves of [1, 2, 4, 8, 16, 32, 64]) {
    expect(nodeWidth(leaves)).toBe(2 * leaves - 1)
    for (let node = 1; node < nodeWidth(leaves); node += 2) {
      const at = toNodeIndex(node)
      expect(parent(left(at), leaves)).toBe(node)
      expect(parent(right(at), leaves)).toBe(node)
      expect(left(at)).toBeLessThan(node)
      expect(right(at)).toBeGreaterThan(node)
    }
  }
})
