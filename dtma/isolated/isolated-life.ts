import { setTimeout as sleep } from 'node:timers/promises'
import { type DriverInstance, InstanceFailure, type RunExit } from '#dtma/drivers/driver.ts'
import { awaitInitialized } from '#dtma/instances/await-ready.ts'
import { describeExit } from '#dtma/instances/describe-exit.ts'
import { onAbort } from '#dtma/instances/on-abort.ts'
import type { RunnerContext } from '#dtma/instances/runner-types.ts'
import { AGENT_VERSION } from '#dtma/version.ts'
import { createStdioBridge } from '#mcp/stdio-bridge.ts'
import { type Children, createChildren } from './children.ts'
import { createIsolatedRelay } from './isolated-relay.ts'

/** Nobody's own: it has placeholders where users have to give something. */
const NOBODY = { key: '', agentId: null, headers: {}, env: {} }

/**
 * An isolated server from its start until `signal` aborts. It is ready when a process that nobody uses has answered; that one ends
 * again, and from then on every session starts its own. Answers how that process ended, or why it was given up.
 */
export async function isolatedLife(
  context: RunnerContext,
  instance: DriverInstance,
  signal: AbortSignal,
): Promise<RunExit | InstanceFailure> {
  const { driver, log, seats } = context
  context.show({ state: 'starting', phase: 'Starting' })
  const life = new AbortController()
  const children = createChildren({ driver, instance, log, seats })
  const relay = createIsolatedRelay(children, context.sessionIdleMs)
  context.setRun(children)
  try {
    await driver.halt(instance.id)
    const aborted = onAbort(signal, life.signal)
    const failed = await Promise.race([tryOnce(context, children), aborted])
    if (failed !== null && failed !== 'aborted') return failed
    if (failed === null) {
      await context.markReady()
      context.setTarget({ kind: 'relay', relay })
      log.write('agent', 'Ready; each session has a process of its own.')
      context.show({
        state: 'running',
        phase: null,
        startedAt: new Date().toISOString(),
        exitCode: null,
        signal: null,
        error: null,
      })
      await aborted
    }
    context.setTarget(null)
    context.show({ state: 'stopping', phase: null })
    return { exitCode: null, signal: null, error: null }
  } catch (error) {
    if (error instanceof InstanceFailure) return error
    throw error
  } finally {
    life.abort()
    context.setTarget(null)
    relay.close('The MCP server was stopped.')
    await endAll(context, children)
    context.setRun(null)
  }
}

/** Null when it answered. */
async function tryOnce(
  context: RunnerContext,
  children: Children,
): Promise<RunExit | InstanceFailure | null> {
  const child = await children.open(NOBODY, () => {})
  const bridge = createStdioBridge({
    ...child.stdio,
    clientInfo: { name: 'toolberth-dtma', version: AGENT_VERSION },
    onChatter: (line) => child.log.write('stdout', line),
  })
  void child.exited.then((exit) => bridge.close(describeExit(exit)))
  try {
    await awaitInitialized(bridge, context.readyTimeoutMs)
    return null
  } catch (error) {
    if (!(error instanceof InstanceFailure)) throw error
    // A server that ended is reported by its exit, which says more.
    return await Promise.race([child.exited, sleep(1_000, error)])
  } finally {
    bridge.close('It was a test.')
    child.close()
  }
}

/** What cannot be ended while the engine is away is found when it is back. */
async function endAll(context: RunnerContext, children: Children): Promise<void> {
  try {
    await children.closeAll()
  } catch (error) {
    if (!(error instanceof InstanceFailure && error.code === 'ENGINE_UNAVAILABLE')) throw error
    context.log.write('agent', error.message)
  }
}
