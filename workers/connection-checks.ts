import { claimDueChecks } from '#server/connections/checks/claim-due.ts'
import { checksChannel } from '#server/connections/checks/hint.ts'
import type { Check } from '#server/connections/checks/record.ts'
import { runCheck } from '#server/connections/checks/run.ts'
import { logger } from '#server/logger.ts'
import { openSubscriber } from '#server/redis.ts'

/** Of all toolboxes together, in this process; each waits for its server most of the time. */
const CONCURRENCY = 20

const running = new Set<Promise<void>>()
let stopping = false

/**
 * Begins the checks that are due, as many as this process has room for, and waits for none: a server that hangs holds its own place
 * only. What a killed process had begun is handed out again when its lease has run out.
 */
export async function startDueChecks(): Promise<void> {
  const room = CONCURRENCY - running.size
  if (stopping || room <= 0) return
  for (const check of await claimDueChecks(room)) start(check)
}

function start(check: Check): void {
  const work: Promise<void> = runCheck(check)
    .catch((error: unknown) => logger.error({ err: error, ...check }, 'check failed'))
    .then(() => {
      running.delete(work)
      // Its toolbox has room for the next one.
      return startOnHint()
    })
  running.add(work)
}

async function startOnHint(): Promise<void> {
  await startDueChecks().catch((error: unknown) =>
    logger.warn({ err: error }, 'due checks not begun; trying again'),
  )
}

/** Begins checks as soon as somebody asks for one. Call the answer to stop; it waits for those that go on. */
export function checkOnHint(): () => Promise<void> {
  stopping = false
  const subscriber = openSubscriber()
  subscriber.on('message', () => void startOnHint())
  subscriber.subscribe(checksChannel()).catch(() => undefined)
  return async () => {
    stopping = true
    subscriber.disconnect()
    await Promise.all(running)
  }
}
