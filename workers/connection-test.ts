import type { Worker } from 'bullmq'
import { retryDelay } from '#server/connections/retry-delay.ts'
import { runTestAttempt } from '#server/connections/run-test.ts'
import { createWorker } from './create-worker.ts'

const CONCURRENCY = 20

export function startConnectionTestWorker(): Worker {
  return createWorker(
    'connection-test',
    { concurrency: CONCURRENCY, backoff: (made, { testId }) => retryDelay(testId, made) },
    async ({ testId }) => {
      const outcome = await runTestAttempt({ testId })
      if (outcome === 'ended') return 'done'
      // The queue waits by the backoff strategy and tries again.
      throw new Error(`${outcome.retry.code}: ${outcome.retry.detail ?? ''}`)
    },
  )
}
