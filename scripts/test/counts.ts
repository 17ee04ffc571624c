import type { Report } from './report.ts'

/** What a suite came to; a check such as the linter counts as one. */
export type Counts = { passed: number; failed: number; skipped: number }

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 }

/** Counts each outcome once. An error outside of every file is a failure, and no run is good in which tests were missed. */
export function tally({ outcomes, errors }: Report): Counts {
  const count = (...states: string[]) => outcomes.filter(({ state }) => states.includes(state)).length
  const failed = count('failed') + errors.length
  return {
    passed: count('passed'),
    failed: failed === 0 && count('missed') > 0 ? 1 : failed,
    skipped: count('skipped', 'missed'),
  }
}

/** A run that says it failed has at least one failure, and one that ran no test at all has not passed. */
export function reconcile(counts: Counts, exitCode: number | null): Counts {
  const ranNothing = counts.passed + counts.failed === 0
  return counts.failed === 0 && (exitCode !== 0 || ranNothing) ? { ...counts, failed: 1 } : counts
}

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

/** The closing line: `12 passed, 0 failed`, with `, 1 skipped` when there are any. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
