import { Queue, type Worker } from 'bullmq'
import { pruneTokens } from '#server/agents/prune-tokens.ts'
import { pruneHistory } from '#server/connections/checks/prune.ts'
import { pruneTestCredentials } from '#server/connections/test-credentials.ts'
import { logger } from '#server/logger.ts'
import { RECURRING, type RecurringName } from '#server/queues/catalogue.ts'
import { producerOptions } from '#server/queues/connection.ts'
import { reconcileInstances } from '#server/reconcile/instances.ts'
import { requeueLostJobs } from '#server/reconcile/lost-jobs.ts'
import { pruneEvents } from '#server/reconcile/prune-events.ts'
import { dialBackToolboxes } from '#server/toolboxes/dial-back.ts'
import { reapDroplets } from '#server/toolboxes/droplets/reap.ts'
import { sweepDroplets } from '#server/toolboxes/droplets/sweep.ts'
import { finishDeletedToolboxes } from '#server/toolboxes/finish-deleted.ts'
import { pruneMetrics } from '#server/toolboxes/metrics.ts'
import { sendUpgrades } from '#server/toolboxes/send-upgrades.ts'
import { syncToolboxes } from '#server/toolboxes/sync.ts'
import { startDueChecks } from './connection-checks.ts'
import { createRecurringWorker } from './create-worker.ts'

/** An emptied Redis forgets its schedulers; every worker puts them back at this pace. */
const UPSERT_MS = 15_000

const HANDLERS: Record<RecurringName, () => Promise<void>> = {
  'status-sync': async () => {
    await syncToolboxes()
    await pruneEvents()
    await pruneMetrics()
    await pruneHistory()
  },
  reconcile: async () => {
    await requeueLostJobs()
    await sweepDroplets()
    await dialBackToolboxes()
    await sendUpgrades()
    await reconcileInstances()
    await finishDeletedToolboxes()
    await pruneTestCredentials()
    await pruneTokens()
  },
  reap: reapDroplets,
  recheck: startDueChecks,
}

/** Workers and schedulers of the recurring jobs. Call the answer to stop. */
export function startRecurring(upsertMs = UPSERT_MS): () => Promise<void> {
  const names = Object.keys(HANDLERS) as RecurringName[]
  const workers: Worker[] = names.map((name) => createRecurringWorker(name, HANDLERS[name]))
  const queues = names.map((name) => {
    const queue = new Queue(name, producerOptions())
    queue.on('error', () => undefined)
    return [name, queue] as const
  })
  async function upsert(): Promise<void> {
    for (const [name, queue] of queues)
      try {
        await queue.upsertJobScheduler(
          name,
          { every: RECURRING[name].everyMs },
          { opts: { removeOnComplete: true, removeOnFail: true } },
        )
      } catch (error) {
        logger.debug({ err: error, queue: name }, 'scheduler not upserted; trying again')
      }
  }
  void upsert()
  const timer = setInterval(() => void upsert(), upsertMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(workers.map((worker) => worker.close()))
    await Promise.all(queues.map(([, queue]) => queue.close()))
  }
}
