/**
 * RFC 9420's public vectors for trees and for a passive client, on both engines: tree hashes and resolutions, update paths seen from every leaf, and a member
 * who joins by a welcome and follows two commits. One entry of each is here; all run through the same code at any size, which mls-fuzz.test.ts visits.
 *
 * What is not run: vectors of PrivateMessage (secret-tree, message-protection), of pre-shared keys (psk_secret, passive clients that are given one) and of
 * proposals by reference, none of which exist here; tree-operations, transcript-hashes, welcome and messages, whose parts the passive client goes through.
 */
import { joinGroup, validateRatchetTree } from 'ts-mls/clientState.js'
import { type ClientConfig, defaultClientConfig } from 'ts-mls/clientConfig.js'
import { decryptWithLabel } from 'ts-mls/crypto/hpke.js'
import { deriveSecret } from 'ts-mls/crypto/kdf.js'
import { encodeGroupContext, type GroupContext } from 'ts-mls/groupContext.js'
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from 'ts-mls/message.js'
import { verifyParentHashes } from 'ts-mls/parentHash.js'
import { processPublicMessage } from 'ts-mls/processMessages.js'
import { emptyPskIndex } from 'ts-mls/pskIndex.js'
import { decodeRatchetTree, encodeRatchetTree, filteredDirectPathAndCopathResolution, type RatchetTree, resolution } from 'ts-mls/ratchetTree.js'
import { treeHash, treeHashRoot } from 'ts-mls/treeHash.js'
import { leafToNodeIndex, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js'
import { applyUpdatePath, decodeUpdatePath } from 'ts-mls/updatePath.js'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import { fromHex, toHex } from '../../wire/bytes.ts'
import vectors from './vectors/rfc9420-trees.json' with { type: 'json' }

const hex = (text: string): Uint8Array => fromHex(text) ?? expect.unreachable('not hex')
const ANYBODY: ClientConfig = { ...defaultClientConfig, authService: { validateCredential: async () => true } }

function treeOf(text: string): RatchetTree {
  const [tree, length] = decodeRatchetTree(hex(text), 0) ?? expect.unreachable('no tree')
  expect(length).toBe(hex(text).length)
  expect(toHex(encodeRatchetTree(tree))).toBe(text)
  return tree
}

function messageOf<F extends MLSMessage['wireformat']>(text: string, wireformat: F): Extract<MLSMessage, { wireformat: F }> {
  const [message, length] = decodeMlsMessage(hex(text), 0) ?? expect.unreachable('no message')
  expect(length).toBe(hex(text).length)
  expect(toHex(encodeMlsMessage(message))).toBe(text)
  return message.wireformat === wireformat ? message as Extract<MLSMessage, { wireformat: F }> : expect.unreachable(`a ${message.wireformat}`)
}

const contextOf = (groupId: string, epoch: number, hash: Uint8Array, transcript = ''): GroupContext => ({
  version: 'mls10', cipherSuite: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519', groupId: hex(groupId), epoch: BigInt(epoch), treeHash: hash, confirmedTranscriptHash: hex(transcript), extensions: [],
})

describe.each(['webcrypto', 'noble'] as const)('RFC 9420 tree vectors on %s', (engine) => {
  test('tree validation: hashes, resolutions, parent hashes and signatures of a tree of four leaves', async () => {
    const { mls } = await createSuite(seededRandom(1), engine)
    const { tree: text, treeHashes, resolutions, groupId } = vectors.treeValidation
    const tree = treeOf(text)
    for (const [node, hash] of treeHashes.entries()) expect(toHex(await treeHash(tree, toNodeIndex(node), mls.hash)), `hash of node ${node}`).toBe(hash)
    for (const [node, nodes] of resolutions.entries()) expect(resolution(tree, toNodeIndex(node)), `resolution of node ${node}`).toEqual(nodes)
    expect(await verifyParentHashes(tree, mls.hash)).toBe(true)
    const hash = await treeHashRoot(tree, mls.hash)
    const lifetimes = { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false }
    expect(await validateRatchetTree(tree, contextOf(groupId, 0, hash), lifetimes, ANYBODY.authService, hash, mls)).toBeUndefined()
  })

  test('treekem: from every update path every other leaf gets the path secret, the commit secret and the tree', async () => {
    const { mls } = await createSuite(seededRandom(1), engine)
    const { tree: text, updatePaths, leaves, groupId, epoch, confirmedTranscriptHash } = vectors.treekem
    const before = treeOf(text)
    for (const [sender, path] of updatePaths.entries()) {
      const [update] = decodeUpdatePath(hex(path.updatePath), 0) ?? expect.unreachable('no update path')
      const after = await applyUpdatePath(before, toLeafIndex(sender), update, mls.hash)
      const hash = await treeHashRoot(after, mls.hash)
      expect(toHex(hash), `tree after ${sender}'s path`).toBe(path.treeHashAfter)
      const info = encodeGroupContext(contextOf(groupId, epoch, hash, confirmedTranscriptHash))
      const nodes = filteredDirectPathAndCopathResolution(toLeafIndex(sender), before)
      for (const [reader, { encryptionPriv, pathSecrets }] of leaves.entries()) {
        if (reader === sender) continue
        // The node of the path whose secret is sealed for this leaf, and the key it holds there: its own, or that of a node above it.
        const keys = new Map([[leafToNodeIndex(toLeafIndex(reader)) as number, await mls.hpke.importPrivateKey(hex(encryptionPriv))]])
        for (const [node, secret] of Object.entries(pathSecrets)) keys.set(Number(node), (await mls.hpke.deriveKeyPair(await deriveSecret(hex(secret), 'node', mls.kdf))).privateKey)
        const at = nodes.findIndex((n) => n.resolution.some((node) => keys.has(node)))
        const place = nodes[at]?.resolution.findIndex((node) => keys.has(node)) ?? -1
        const key = keys.get(nodes[at]?.resolution[place] ?? -1), sealed = update.nodes[at]?.encryptedPathSecret[place]
        if (key === undefined || sealed === undefined) return expect.unreachable(`nothing is sealed for ${reader}`)
        let secret = await decryptWithLabel(key, 'UpdatePathNode', info, sealed.kemOutput, sealed.ciphertext, mls.hpke)
        expect(toHex(secret), `${reader} reads ${sender}'s path`).toBe(path.pathSecrets[reader])
        for (let above = at; above < nodes.length; above++) secret = await deriveSecret(secret, 'path', mls.kdf)
        expect(toHex(secret), `commit secret of ${sender}'s path`).toBe(path.commitSecret)
      }
    }
  })

  test('passive client: arnold joins by a welcome and follows an update and an add', async () => {
    const { mls } = await createSuite(seededRandom(1), engine)
    const { keyPackage, welcome, initPriv, encryptionPriv, signaturePriv, authenticator, epochs } = vectors.passiveClient
    const keys = { initPrivateKey: hex(initPriv), hpkePrivateKey: hex(encryptionPriv), signaturePrivateKey: hex(signaturePriv) }
    let state = await joinGroup(messageOf(welcome, 'mls_welcome').welcome, messageOf(keyPackage, 'mls_key_package').keyPackage, keys, emptyPskIndex, mls, undefined, undefined, ANYBODY)
    expect(toHex(state.keySchedule.epochAuthenticator)).toBe(authenticator)
    for (const epoch of epochs) {
      state = (await processPublicMessage(state, messageOf(epoch.commit, 'mls_public_message').publicMessage, emptyPskIndex, mls)).newState
      expect(toHex(state.keySchedule.epochAuthenticator)).toBe(epoch.authenticator)
    }
  })
})
