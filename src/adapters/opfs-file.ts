/** A file in the origin private file system, which one worker at a time may have open for writing without waiting. */
export interface OpfsFileParts {
  /** navigator.storage */
  readonly storage: Pick<StorageManager, 'getDirectory'>
  readonly name: string
  readonly pause: (ms: number) => Promise<void>
}

/** Made where there is none. Rejects with NoModificationAllowedError while another worker has it, and with others where the browser has no such place. */
export async function openOpfsFile({ storage, name }: OpfsFileParts): Promise<FileSystemSyncAccessHandle> {
  const folder = await storage.getDirectory()
  return (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle()
}
