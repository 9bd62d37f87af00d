/** The app's own disk, opened on a page of the same origin while no app is open: what is in it, a form from before, and damage. */
import { sha256 } from '@noble/hashes/sha2.js'
import { FORM } from '../../src/adapters/disk-forms.ts'
import { openIdbDisk } from '../../src/adapters/disk-idb.ts'
import type { Save } from '../../src/ports.ts'
import { concat } from '../../src/wire/bytes.ts'
import { AUTHORITY_CHANNEL } from '../../src/wire/ids.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../../src/wire/losses.ts'
import { decodeWholeKept } from '../../src/wire/op.ts'
import { encodeNumber } from '../../src/wire/records.ts'

export async function makeOlder(name: string, form: number): Promise<void> {
  const { disk } = await openIdbDisk({ name })
  await disk.save([{ type: 'put', ...FORM, value: encodeNumber(form) }])
  await disk.close()
}

/** All rows, unsealed, one after the other; each byte as a character. */
export async function readRows(name: string): Promise<string> {
  const { disk } = await openIdbDisk({ name }), out: string[] = []
  const text = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  for await (const { partition, rows } of disk.copy()) for (const { key, value } of rows) out.push(partition, text(key), text(value))
  await disk.close()
  return out.join('\n')
}

/** As damage leaves a disk: the ops of authority of this type are gone from all spaces, and noted as lost. Answers with how many. */
export async function loseOps(name: string, type: string): Promise<number> {
  const { disk } = await openIdbDisk({ name }), saves: Save[] = []
  for (const partition of await disk.partitions()) {
    if (!partition.startsWith('ops/') || !partition.endsWith(`/${AUTHORITY_CHANNEL}`)) continue
    for (const { key, value } of await disk.range(partition, { limit: 10_000 })) {
      if (decodeWholeKept(value, sha256)?.header.type !== type) continue
      const from = concat(partitionPrefix(partition), key)
      saves.push({ type: 'delete', partition, key }, { type: 'put', partition: LOST_PARTITION, key, value: encodeLoss({ from, to: concat(from, Uint8Array.of(0)) }) })
    }
  }
  await disk.save(saves)
  await disk.close()
  return saves.length / 2
}
