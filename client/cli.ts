#!/usr/bin/env node
import { CommanderError } from 'commander'
import { NotFound, UsageError } from './cli/errors.ts'
import { createProgram } from './cli/program.ts'
import { explainError } from './explain-error.ts'

const REFUSED = 1
const NOT_UNDERSTOOD = 2
/** Lines of a failed server's log that are shown. */
const LOG_LINES = 20

const program = createProgram(process.env)
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** Says on standard error what went wrong and what to do next. Answers the exit code. */
function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : NOT_UNDERSTOOD
  if (error instanceof UsageError) {
    console.error(error.message)
    return NOT_UNDERSTOOD
  }
  if (error instanceof NotFound) {
    console.error(error.message)
    return REFUSED
  }
  const { url = process.env.TOOLBERTH_URL ?? null } = program.opts<{ url?: string }>()
  const explained = explainError(error, url)
  if (!explained) throw error
  const { text, action, detail, log } = explained
  for (const line of log.slice(-LOG_LINES)) console.error(`  | ${line}`)
  console.error(text)
  if (detail !== null && !text.includes(detail)) console.error(`Detail: ${detail}`)
  if (!text.includes(action)) console.error(action)
  return REFUSED
}
