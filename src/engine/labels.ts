/** Every domain-separation string of the protocol, in one table: no two uses may share one. "tk1" is the version. */
import { utf8 } from '../wire/bytes.ts'

const label = (text: string): Uint8Array => utf8(`tk1 ${text}`)

export const LABELS = {
  /** MLS exporter label of an epoch's secret; its context is SHA-256(context label || parent epoch || commit bytes). */
  epochExporter: 'tk1 epoch',
  epochContext: label('ctx'),
  epochCheck: label('ec'),
  channel: label('chan'),
  contentKey: label('key'),
  contentKeyId: label('kid'),
  contentNonce: label('nonce'),
  columns: label('columns'),
  envelopeKey: label('env'),
  envelopeHint: label('env hint'),
  backLink: label('back'),
  vectorDigest: label('vector'),
  relayKey: label('relay'),
  relayKeySeal: label('relay seal'),
  bundle: label('bundle'),
  grant: label('grant'),
  topic: label('topic'),
  helloToken: label('hello token'),
  helloKey: label('hello key'),
  helloSign: label('hello'),
  presenceSign: label('presence'),
  marks: label('read marks'),
  typingSign: label('typing'),
  contactSeal: label('contact seal'),
  contactSign: label('contact'),
  receiptSign: label('receipt'),
  commitBinding: label('commit'),
  inviteId: label('invite id'),
  inviteJoin: label('invite join'),
  inviteBox: label('invite box'),
  inviteTopic: label('invite topic'),
  inviteKit: label('invite kit'),
  linking: label('linking'),
  rank: label('rank'),
  personCode: label('person code'),
  groupCode: label('group code'),
} as const
