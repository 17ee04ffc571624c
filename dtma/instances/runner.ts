import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceStatus } from '#contracts/instances.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import { headerSecrets } from '#dtma/remote/header-secrets.ts'
import type { InstanceRecord } from '#dtma/state/instance-store.ts'
import { createRedactor } from '#protocol/redact.ts'
import type { InstanceLog } from './instance-log.ts'
import { removeInstance } from './remove-instance.ts'
import { runInstance } from './run-instance.ts'
import type { InstanceView, McpTarget, Measured, RunnerContext, RunnerServices } from './runner-types.ts'

export type InstanceRunner = {
  readonly log: InstanceLog
  record(): InstanceRecord
  status(): InstanceStatus
  target(): McpTarget | null
  run(): Measured | null
  /** Takes over a saved record; the work follows by itself. */
  update(record: InstanceRecord): void
  /** Ends the server because the agent ends; what is wanted stays as it is. */
  shutdown(): Promise<void>
}

/** An engine that was away is asked again by itself; everything else that failed waits for another wish. */
const ENGINE_RETRY_MS = 5_000

const INITIAL: InstanceView = {
  state: 'pending',
  phase: null,
  exitCode: null,
  signal: null,
  restarts: 0,
  startedAt: null,
  resolvedVersion: null,
  error: null,
}

/**
 * Brings one instance to what its record wants, and keeps it there. One loop per instance does all the work in order; a changed
 * record aborts the present step, which cleans up after itself before the next one begins.
 */
export function createInstanceRunner(services: RunnerServices, initial: InstanceRecord): InstanceRunner {
  let record = initial
  let view: InstanceView = { ...INITIAL, state: initial.desired === 'absent' ? 'absent' : 'pending' }
  let version = 0
  let closing = false
  let step = new AbortController()
  let changed = Promise.withResolvers<void>()
  let run: Measured | null = null
  let target: McpTarget | null = null
  let redactor = createRedactor([])

  function show(change: Partial<InstanceView>): void {
    const next = { ...view, ...change }
    if (JSON.stringify(next) === JSON.stringify(view)) return
    view = next
    services.onChange()
  }

  const context: RunnerContext = {
    ...services,
    record: () => record,
    async markReady() {
      if (record.everReady) return
      record = { ...record, everReady: true }
      await services.saveRecord(record)
    },
    show,
    view: () => view,
    setRun: (next) => {
      run = next
    },
    setTarget: (next) => {
      target = next
    },
  }

  async function converge(signal: AbortSignal): Promise<void> {
    if (record.spec !== null) {
      const { env, secretNames, source } = record.spec
      const headers = source.type === 'remote' ? headerSecrets(source.headers) : []
      redactor = createRedactor([...secretNames.map((name) => env[name] ?? ''), ...headers])
      services.log.redactWith(redactor)
    }
    if (record.desired === 'running') await runInstance(context, signal)
    else if (record.desired === 'absent') await removeInstance(context, signal)
    else {
      await services.driver.halt(record.id)
      show({ state: 'stopped', phase: null, startedAt: null, error: null })
    }
  }

  async function loop(): Promise<void> {
    while (!closing) {
      const seen = version
      step = new AbortController()
      try {
        await converge(step.signal)
      } catch (error) {
        if (!step.signal.aborted) fail(error)
        if (isAway(error)) await Promise.race([changed.promise, sleep(ENGINE_RETRY_MS)])
        if (isAway(error)) continue
      }
      if (version === seen && !closing) await changed.promise
    }
  }

  function fail(error: unknown): void {
    const code = error instanceof InstanceFailure ? error.code : 'TOOLBOX_INTERNAL'
    const detail = error instanceof Error ? redactor.text(error.message).slice(0, 4000) : 'Unknown failure.'
    if (!(error instanceof InstanceFailure))
      services.logger.error({ err: error, instance: record.id }, 'instance failed')
    services.log.write('agent', detail)
    show({ state: 'failed', phase: null, startedAt: null, error: { code, detail } })
  }

  function wake(): void {
    version++
    step.abort(new Error('Something else is wanted now.'))
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }

  const finished = loop()

  return {
    log: services.log,
    record: () => record,
    status: () => ({
      id: record.id,
      fence: record.fence,
      desired: record.desired,
      ...view,
      memoryBytes: run?.usage()?.memoryBytes ?? null,
    }),
    target: () => target,
    run: () => run,
    update(next) {
      const same =
        next.desired === record.desired &&
        next.restartNonce === record.restartNonce &&
        next.deleteDataOf === record.deleteDataOf &&
        (next.spec === null) === (record.spec === null)
      record = next
      services.onChange()
      if (!same) wake()
    },
    async shutdown() {
      closing = true
      wake()
      await finished
      await services.log.flush()
    },
  }
}

function isAway(error: unknown): boolean {
  return error instanceof InstanceFailure && error.code === 'ENGINE_UNAVAILABLE'
}
