/** What whoever waits for an answer is told when the engine could not give one. */
import type { ApiError } from '../api.ts'
import { DiskError } from '../ports.ts'

export const BUSY: ApiError = { code: 'busy', message: 'Thicket is busy. Try again in a moment.' }
export const STOPPING: ApiError = { code: 'busy', message: 'Thicket is stopping.' }

export function errorFor(error: unknown): ApiError {
  if (!(error instanceof DiskError)) return { code: 'internal', message: 'Something went wrong inside Thicket. Try again.' }
  if (error.reason === 'full') return { code: 'disk-full', message: 'This device is out of space: nothing was saved. Free some space and try again.' }
  return { code: 'disk-failed', message: 'This device could not read or write its storage: nothing was sent. Try again.' }
}
