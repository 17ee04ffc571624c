/** The command cannot be meant as it was written; ends with exit code 2. The message says what is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was named is not there. The message says what to do. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}
