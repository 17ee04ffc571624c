import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'

/** One test, or under the name `OUTSIDE` what failed in a file outside of its tests (an import, a hook, an unhandled error). */
export const Outcome = z.object({
  /** Relative to the repository. */
  file: z.string(),
  name: z.string(),
  /** Missed: it should have run, and what failed before it kept it from running. */
  state: z.enum(['passed', 'failed', 'skipped', 'missed']),
  /** The first line of its failure. */
  message: z.string(),
  /** What the runner takes to run it again: a path, or a path and a line. */
  target: z.string(),
})
export type Outcome = z.infer<typeof Outcome>

/** What a run of a suite came to, whichever runner it was. */
export const Report = z.object({
  outcomes: z.array(Outcome),
  /** What went wrong outside of every file, such as a global set-up that failed. */
  errors: z.array(z.string()),
  /** How long each file took. */
  seconds: z.record(z.string(), z.number()),
})
export type Report = z.infer<typeof Report>

export const OUTSIDE = 'outside of its tests'

/** The first line that says something, without colours, bounded. */
export function firstLine(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trim())
  return (lines.find((line) => line !== '') ?? 'no message').slice(0, 300)
}
