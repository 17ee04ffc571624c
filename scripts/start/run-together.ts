/**
 * Runs all of them at once. When one fails, `cancel` is called and the others are waited for, so that nothing goes on behind
 * the back of who handles the failure; then the first error is thrown.
 */
export async function runTogether(tasks: (() => Promise<void>)[], cancel: () => void): Promise<void> {
  const failures: unknown[] = []
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task()
      } catch (error) {
        failures.push(error)
        if (failures.length === 1) cancel()
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
}
