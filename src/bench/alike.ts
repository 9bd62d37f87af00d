/**
 * For a simulation of a thousand: what all its devices work out of the same bytes, with the same outcome, is worked out once and kept once. Each device of its own decodes each op, each tree and
 * each commit, and holds what comes of it; a thousand in one process would hold a thousand times the same. Only pure functions stand here, whose outcomes nobody changes: what each device decides
 * of them, it decides itself. Loaded before everything else (`node --import`), this puts itself between those modules and who imports them, so that engine and ts-mls know nothing of it.
 */
import { registerHooks } from 'node:module'

const ITSELF = '?itself'
const MEMORY = new URL('alike-memory.ts', import.meta.url).href, TREES = new URL('alike-trees.ts', import.meta.url).href

/** Modules by the end of their address, and how each function is remembered (alike-memory.ts, alike-trees.ts). */
const ALIKE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '/src/wire/op.ts': { byBytes: ['decodeOp', 'decodeOpOrHusk', 'decodeWholeKept'] },
  '/src/wire/group.ts': { byBytes: ['decodeGroupBody'] },
  '/src/wire/authority.ts': { byBytes: ['decodeAuthorityBody'] },
  '/src/wire/envelope.ts': { byBytes: ['decodePayload'] },
  '/src/wire/records.ts': { byBytes: ['decodeHead'] },
  '/src/engine/group/mls-codec.ts': { byBytes: ['decodeTree', 'decodeCommitMessage', 'decodeWelcomeMessage', 'decodeKeyPackageMessage', 'inspectCommit'], treeEncoder: ['encodeRatchetTree'] },
  '/src/adapters/disk-overlay.ts': { sharingRows: ['mergeRange'] },
  '/ts-mls/dist/src/treeHash.js': { treeHasher: ['treeHashRoot', 'treeHash'] },
  '/ts-mls/dist/src/leafNode.js': { byFirst: ['verifyLeafNodeSignatureKeyPackage'] },
  '/ts-mls/dist/src/parentHash.js': { byFirst: ['verifyParentHashes'] },
  '/ts-mls/dist/src/util/byteArray.js': { byObject: ['bytesToBase64'] },
}

function sourceFor(url: string): string | undefined {
  const found = Object.entries(ALIKE).find(([end]) => url.endsWith(end))
  if (found === undefined) return undefined
  const real = JSON.stringify(url + ITSELF), ways = Object.entries(found[1])
  return [
    `export * from ${real}`, `import * as real from ${real}`, ...ways.map(([way]) => `import { ${way} } from ${JSON.stringify(way.startsWith('tree') ? TREES : MEMORY)}`),
    ...ways.flatMap(([way, names]) => names.map((name) => `export const ${name} = ${way}(real.${name}, ${JSON.stringify(name)})`)),
  ].join('\n')
}

registerHooks({
  load: (url, context, next) => {
    const source = sourceFor(url)
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})
