import type { Worker } from 'bullmq'
import { logger } from '#server/logger.ts'
import { advanceDroplet } from '#server/toolboxes/droplets/advance.ts'
import { createWorker } from './create-worker.ts'

/** Each waits for DigitalOcean most of the time, and the requests of all are limited together. */
const CONCURRENCY = 5
/** A step that failed for a reason of our own (the database was away, say) is taken up again after this. */
const AGAIN_AFTER_ERROR_MS = 5_000

export function startDropletWorker(): Worker {
  return createWorker('droplet', { concurrency: CONCURRENCY }, async ({ toolboxId }) => {
    try {
      return await advanceDroplet({ toolboxId })
    } catch (error) {
      logger.error({ err: error, toolboxId }, 'droplet step failed')
      return { again: AGAIN_AFTER_ERROR_MS }
    }
  })
}
