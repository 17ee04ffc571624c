import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerContext } from './runner-types.ts'

const LONGEST_WAIT_MS = 30_000

/** Deletes everything of the instance but its tombstone. Tries until it succeeds, or `signal` aborts: a removal never gets stuck. */
export async function removeInstance(context: RunnerContext, signal: AbortSignal): Promise<void> {
  const { id } = context.record()
  if (context.view().state === 'absent') {
    await context.driver.remove(id)
    await context.log.remove()
    return
  }
  for (let wait = 1_000; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    context.show({ state: 'removing', phase: null, startedAt: null })
    try {
      await context.driver.remove(id)
      await context.log.remove()
      break
    } catch (error) {
      const detail = (error as Error).message.slice(0, 4000)
      context.logger.error({ err: error, instance: id }, 'removal failed, trying again')
      context.show({ error: { code: 'TOOLBOX_INTERNAL', detail } })
      await sleep(wait, undefined, { signal })
    }
  }
  context.show({
    state: 'absent',
    phase: null,
    exitCode: null,
    signal: null,
    restarts: 0,
    resolvedVersion: null,
    error: null,
  })
}
