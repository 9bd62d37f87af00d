/** What people are told when something can't be done: whose fault, and the next step. Codes are for programs and stable. */
import type { ApiError, ErrorCode } from '../api.ts'

const SENTENCES: Record<ErrorCode, string> = {
  'bad-request': 'This request was not understood.',
  'not-set-up': 'Choose a name first.',
  'already-set-up': 'This device has a name already. Change it in the settings.',
  'unknown-space': 'This space is not on this device. Open an invite link to join it.',
  'unknown-channel': 'This channel does not exist here, or it was deleted.',
  'unknown-member': 'This person is not a member of the space.',
  'unknown-message': 'This message is not on this device.',
  'unknown-invite': 'This invite does not exist.',
  'unknown-role': 'This role does not exist, or it was deleted.',
  'unknown-device': 'No device of this space is called so.',
  'unknown-act': 'This act is not on this device.',
  'linking-invalid': 'This is not a code for linking devices, or not for this one. Start again on both.',
  'no-recovery': 'The owner of this space has named nobody who could recover it.',
  'recovery-invalid': 'One of the signatures does not count. Ask for it again.',
  'recovery-incomplete': 'More signatures are needed. Ask the others of the recovery set for theirs.',
  'not-allowed': 'You are not allowed to do this here. Ask the owner of the space.',
  'not-a-member': 'You are no longer a member of this space. You can read what you have, but not write.',
  'name-empty': 'Write a name first.',
  'name-too-long': 'This name is too long. Use 64 characters or fewer.',
  'text-empty': 'Write something first.',
  'text-too-long': 'This message is too long. Split it into parts of 4000 characters or fewer.',
  'limit-reached': 'There are too many of these already. Remove one first.',
  'link-invalid': 'This invite link is damaged or incomplete. Ask for it again and copy all of it.',
  'link-newer': 'This invite link was made by a newer version of Thicket. Reload the page to update, then open it again.',
  'link-expired': 'This invite link has expired. Ask for a new one.',
  'link-revoked': 'This invite link was taken back. Ask for a new one.',
  'link-used-up': 'This invite link has been used as often as it allows. Ask for a new one.',
  'link-unknown': 'Nobody at this link’s relays knows this invite. It may be older than the relay keeps things: ask for a new one.',
  'relay-unreachable': 'The relay of this invite can’t be reached. Check your connection; Thicket goes on trying.',
  'already-member': 'You are a member of this space already.',
  'banned': 'You were banned from this space.',
  'put-back': 'This device’s storage was put back to an earlier state. What it had sent is fetched again, and it goes on with a new key.',
  'disk-full': 'There is no room left on this device. Free some space, then try again: nothing that was shown as saved is lost.',
  'disk-failed': 'Saving on this device failed. Try again; if it goes on, reload the page.',
  'busy': 'Thicket is busy right now. Try again in a moment.',
  'internal': 'Something went wrong inside Thicket. Try again; if it goes on, reload the page.',
}

/** `detail` replaces the usual sentence where more is known. */
export const fail = (code: ErrorCode, detail?: string): ApiError => ({ code, message: detail ?? SENTENCES[code] })
