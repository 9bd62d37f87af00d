/** What people are told when authority refuses: whose fault it is, in which respect, and what they can do. */
import type { ApiError, ErrorCode } from '../api.ts'
import type { Reason, ReasonCode } from '../api/authority.ts'
import type { Permission } from '../wire/permissions.ts'
import { fail } from './errors.ts'

/** "You need a role that lets you …" */
const DEEDS: Record<Permission, string> = {
  invite: 'invite people', channels: 'manage channels', roles: 'manage roles', kick: 'remove people', ban: 'ban people', timeout: 'give time-outs',
  messages: 'manage what others write', space: 'change the settings of the space', send: 'write here', react: 'react here', attach: 'attach files here',
  thread: 'start threads here', everyone: 'address everyone at once', speak: 'speak here',
}

/** Codes that say all by themselves. Every other reason is 'not-allowed'. */
const CODES: Partial<Record<ReasonCode, ErrorCode>> = {
  'not-a-member': 'not-a-member', 'unknown-member': 'unknown-member', 'unknown-role': 'unknown-role', 'unknown-channel': 'unknown-channel',
  'unknown-invite': 'unknown-invite', 'unknown-device': 'unknown-device', 'limit-reached': 'limit-reached', 'too-many-devices': 'limit-reached', 'malformed': 'bad-request', 'banned': 'banned',
  'invite-expired': 'link-expired', 'invite-used-up': 'link-used-up', 'invite-revoked': 'link-revoked', 'invite-before-removal': 'link-revoked',
}

const SENTENCES: Partial<Record<ReasonCode, string>> = {
  'device-revoked': 'This device was signed out of the space. Use another device of yours, or ask for a new invite.',
  'forked': 'Others take nothing more of what this device writes here: its storage was put back, or is in use twice. Enter your recovery phrase in Settings, Devices, or use another device of yours.',
  'device-not-authorised': 'This device is not part of the space yet. Wait until it has caught up, then try again.',
  'power-too-low': 'This person or role is as high as you here, or higher. Ask someone above them.',
  'grants-too-much': 'You can give only what is below your own power, and only permissions that you have yourself. Choose less.',
  'owner-only': 'Only the owner of the space can do this. Ask the owner.',
  'owner-must-transfer': 'You own this space. Hand it over to somebody before you leave.',
  'not-in-dm': 'This conversation is only for those it was opened with, who are equal in it. Open another one, or a space.',
  'not-a-reader': 'Only those who read this channel decide who else does. Ask one of them, or the owner of the space.',
  'timed-out': 'You are in a time-out here. Wait until it is over.',
  'too-soon': 'This channel has a slow mode. Wait a moment before you write again.',
  'everyone-role': 'This role belongs to everyone: only its permissions can be changed.',
  'exists': 'This exists already.',
  'too-many-devices': 'This concerns more devices than one act can name: 2,048. Change what is allowed channel by channel, or take the role from some of its holders first.',
  'invite-before-removal': 'You were removed from this space after this link was made. Ask for a new one.',
}

export function refusal(reason: Reason): ApiError {
  const permission = reason.permission
  const sentence = permission === undefined ? SENTENCES[reason.code] : `You need a role that lets you ${DEEDS[permission]}. Ask the owner, or someone who manages roles.`
  return { ...fail(CODES[reason.code] ?? 'not-allowed', sentence), reason }
}

/** Refused only because what is asked for is so already: then it is as good as done. */
export const isSoAlready = (reason: Reason): boolean => reason.code === 'nothing-to-do' || reason.code === 'unknown-ban'
