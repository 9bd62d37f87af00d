/** What a paged disk says when it can't. */
import { DiskError } from '../ports.ts'
import { fromUtf8 } from '../wire/bytes.ts'

export const closedError = (): DiskError => new DiskError('closed', 'The disk is closed.')

export function damaged(near: Uint8Array): DiskError {
  const partition = fromUtf8(near.subarray(1, 1 + (near[0] ?? 0))) ?? ''
  return new DiskError('corrupt', `A page of the disk is damaged or missing, in or beside partition "${partition}".`)
}

/** What is damaged is dealt with elsewhere, anything else isn't. */
export function unlessCorrupt(error: unknown): undefined { if (!(error instanceof DiskError && error.reason === 'corrupt')) throw error }

export const asDiskError = (error: unknown): DiskError =>
  error instanceof DiskError ? error : new DiskError('failed', 'The disk could not be written.', { cause: error })
