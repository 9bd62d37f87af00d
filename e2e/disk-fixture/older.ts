/** The app's own disk, opened on a page of the same origin while no app is open: what is in it, and a form from before. */
import { FORM } from '../../src/adapters/disk-forms.ts'
import { openIdbDisk } from '../../src/adapters/disk-idb.ts'
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
