import type { Worker } from 'bullmq'
import { advanceDeployment } from '#server/deployments/advance.ts'
import { env } from '#server/env.ts'
import { logger } from '#server/logger.ts'
import { createWorker } from './create-worker.ts'

/** A step that failed for a reason of our own (the database was away, say) is taken up again after this. */
const AGAIN_AFTER_ERROR_MS = 2_000

export function startProvisionWorker(): Worker {
  return createWorker('provision', { concurrency: env.PROVISION_CONCURRENCY }, async ({ deploymentId }) => {
    try {
      return await advanceDeployment({ deploymentId })
    } catch (error) {
      logger.error({ err: error, deploymentId }, 'deployment step failed')
      return { again: AGAIN_AFTER_ERROR_MS }
    }
  })
}
