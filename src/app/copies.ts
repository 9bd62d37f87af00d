/** Copies as files of the person's own: the worker writes and reads them in a folder that is this site's alone, and only the page can offer a file or take one. */

const TAKEN = 'taken'

/** undefined: the browser has no such folder, as in some private windows. */
async function folderOf(path: string): Promise<{ readonly folder: FileSystemDirectoryHandle; readonly name: string } | undefined> {
  const [first = '', name = ''] = path.split('/')
  try { return { folder: await (await navigator.storage.getDirectory()).getDirectoryHandle(first, { create: true }), name } } catch { return undefined }
}

/** What was offered last, until something else is: a download may take its time. */
let offered = ''

/** Offers a file for download, under this name. Nothing of it is in memory: the browser copies it. */
export async function offerFile(path: string, as: string): Promise<void> {
  const found = await folderOf(path)
  if (found === undefined) return
  const file = await (await found.folder.getFileHandle(found.name)).getFile()
  URL.revokeObjectURL(offered)
  offered = URL.createObjectURL(file)
  Object.assign(document.createElement('a'), { href: offered, download: as }).click()
}

/** Puts a file where the worker finds it; answers with its path. */
export async function handInFile(file: File): Promise<string | undefined> {
  const path = `copies/${TAKEN}`, found = await folderOf(path)
  if (found === undefined) return undefined
  try {
    await file.stream().pipeTo(await (await found.folder.getFileHandle(found.name, { create: true })).createWritable())
    return path
  } catch { return undefined }
}

/** The room of a file that nobody needs any more. */
export async function dropFile(path: string): Promise<void> {
  const found = await folderOf(path)
  await found?.folder.removeEntry(found.name).catch(() => undefined)
}
