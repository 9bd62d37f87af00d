/** Whether authority lets something said count: what a removed person said afterwards, or nobody may say here, is shown to nobody. */
import type { Origin } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Replica } from '../replica.ts'

/** `type`: of the op, or 'everyone' for the right to call many at once. */
export const counts = (replica: Replica, channel: ChannelId, o: Origin, type: string): boolean => replica.authority.contentVerdict({ ...o, channel, type }).type === 'valid'
