/** Waits for `done`, but not longer than `ms`; rejects where `done` does before. */
export async function within(done: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  try {
    await Promise.race([done, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
