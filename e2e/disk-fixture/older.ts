/** Makes the app's disk say that it is of an older form: run on a page of the same origin while no app is open. */
import { FORM } from '../../src/adapters/disk-forms.ts'
import { openIdbDisk } from '../../src/adapters/disk-idb.ts'
import { encodeNumber } from '../../src/wire/records.ts'

export async function makeOlder(name: string, form: number): Promise<void> {
  const { disk } = await openIdbDisk({ name })
  await disk.save([{ type: 'put', ...FORM, value: encodeNumber(form) }])
  await disk.close()
}
