import type { Failure } from '#contracts/errors.ts'

/** `next`: the row has moved on, take the next step at once; or wait so many milliseconds; or it has failed for good. */
export type Outcome = 'next' | { again: number } | { failure: Failure }
