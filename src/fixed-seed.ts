/**
 * Property tests draw the same cases in every run, so that a change is red for what it changes and not for a case that came up by chance.
 * `THICKET_SEED=7 npm run unit` draws others: who looks for what nobody thought of runs it with many.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.THICKET_SEED ?? 1) })
