/** Where an op stands. Reasons are the api's, since clients are told them as they are. */
import type { Reason } from '../../api/authority.ts'

export type { Reason, ReasonCode } from '../../api/authority.ts'
export type Verdict = { readonly type: 'valid' } | { readonly type: 'void'; readonly reason: Reason }
