import { logger } from '#server/logger.ts'
import { reconcileChannel } from '#server/reconcile/hint.ts'
import { reconcileInstances } from '#server/reconcile/instances.ts'
import { openSubscriber } from '#server/redis.ts'
import { dialBackToolboxes } from '#server/toolboxes/dial-back.ts'
import { finishDeletedToolboxes } from '#server/toolboxes/finish-deleted.ts'
import { sendUpgrades } from '#server/toolboxes/send-upgrades.ts'

/** Reconciles at once when somebody asked for a change; the recurring job finds what this misses. Call the answer to stop. */
export function reconcileOnHint(): () => Promise<void> {
  const subscriber = openSubscriber()
  let running: Promise<void> | null = null
  let again = false
  function turn(): void {
    if (running) {
      again = true
      return
    }
    again = false
    running = dialBackToolboxes()
      .then(sendUpgrades)
      .then(reconcileInstances)
      .then(finishDeletedToolboxes)
      .catch((error: unknown) => logger.warn({ err: error }, 'reconciling on a hint failed'))
      .finally(() => {
        running = null
        if (again) turn()
      })
  }
  subscriber.on('message', turn)
  subscriber.subscribe(reconcileChannel()).catch(() => undefined)
  return async () => {
    subscriber.disconnect()
    await running
  }
}
