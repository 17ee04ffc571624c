import { setTimeout as sleep } from 'node:timers/promises'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import type { RunnerContext } from './runner-types.ts'

const LONGEST_WAIT_MS = 30_000

/** Deletes everything of the instance but its tombstone. Tries until it succeeds, or `signal` aborts: a removal never gets stuck. */
export async function removeInstance(context: RunnerContext, signal: AbortSignal): Promise<void> {
  const { id, deleteDataOf } = context.record()
  for (let wait = 1_000; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    // What is absent already is looked at again in silence: after a start of the agent, or when its data is to go too.
    if (context.view().state !== 'absent') context.show({ state: 'removing', phase: null, startedAt: null })
    try {
      await context.driver.remove(id, { deleteDataOf })
      await context.log.remove()
      break
    } catch (error) {
      const detail = (error as Error).message.slice(0, 4000)
      context.logger.error({ err: error, instance: id }, 'removal failed, trying again')
      const code = error instanceof InstanceFailure ? error.code : 'TOOLBOX_INTERNAL'
      context.show({ state: 'removing', error: { code, detail } })
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
