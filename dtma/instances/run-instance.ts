import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceSpec } from '#contracts/instances.ts'
import { type DriverInstance, InstanceFailure, type Run, type RunExit } from '#dtma/drivers/driver.ts'
import { openLocalHttp } from '#dtma/http/local-http.ts'
import { isolatedLife } from '#dtma/isolated/isolated-life.ts'
import { runRemote } from '#dtma/remote/run-remote.ts'
import { openLocalSse } from '#dtma/sse/local-sse.ts'
import { AGENT_VERSION } from '#dtma/version.ts'
import { createStdioBridge, type StdioBridge } from '#mcp/stdio-bridge.ts'
import { awaitInitialized, awaitListening } from './await-ready.ts'
import { describeExit } from './describe-exit.ts'
import { diagnoseExit } from './diagnose-exit.ts'
import { onAbort } from './on-abort.ts'
import type { McpTarget, RunnerContext } from './runner-types.ts'

const FIRST_BACKOFF_MS = 1_000
const LONGEST_BACKOFF_MS = 30_000
/** An engine that is away is asked more often: its return ends the outage of every server. */
const LONGEST_ENGINE_BACKOFF_MS = 4_000
/** A server that ran this long had a good start: its next restart waits the shortest time again. */
const STABLE_MS = 60_000
/** Of a line on stdout that is no message; the log redacts it before it cuts it shorter. */
const MAX_CHATTER_CHARS = 64 * 1024

/**
 * Installs, starts and restarts the server until `signal` aborts; nothing of it is left when this returns. An exit or failure
 * before the server was ready for the first time is final: it is thrown, or shown as `exited` until something else is wanted.
 */
export async function runInstance(context: RunnerContext, signal: AbortSignal): Promise<void> {
  const { spec, id } = context.record()
  if (spec === null) throw new InstanceFailure('TOOLBOX_INTERNAL', 'The spec of this instance is missing.')
  // No driver has a part in it: nothing runs here.
  if (spec.source.type === 'remote') return runRemote(context, spec.source, signal)
  const instance: DriverInstance = { id, spec }
  const live = spec.sharing === 'isolated' ? isolatedLife : oneLife
  // What its users have to give is there when an isolated server is tried, so that it is not what is missing.
  const env = { ...Object.fromEntries(spec.userEnv.map((name) => [name, name])), ...spec.env }
  let backoff = FIRST_BACKOFF_MS
  let prepared = false
  for (;;) {
    signal.throwIfAborted()
    const startedAt = Date.now()
    // A server that ran before is brought back, however long its engine or registry is away.
    const unprepared: InstanceFailure | null = prepared ? null : await tryPrepare(context, instance, signal)
    prepared = unprepared === null
    const end = unprepared ?? (await live(context, instance, signal))
    if (signal.aborted) return
    if (!context.record().everReady) {
      if (end instanceof InstanceFailure) throw end
      const error = diagnoseExit(end, context.log.recent(), env)
      context.show({ state: 'exited', phase: null, startedAt: null, ...exitOf(end), error })
      return
    }
    if (Date.now() - startedAt >= STABLE_MS) backoff = FIRST_BACKOFF_MS
    const error =
      end instanceof InstanceFailure
        ? { code: end.code, detail: end.message }
        : diagnoseExit(end, context.log.recent(), env)
    const phase = `Restarting in ${backoff / 1000} s`
    context.log.write('agent', `${phase}.`)
    context.show({
      state: 'backoff',
      phase,
      startedAt: null,
      ...(end instanceof InstanceFailure ? {} : exitOf(end)),
      restarts: context.view().restarts + 1,
      error,
    })
    await sleep(backoff, undefined, { signal })
    const longest = error.code === 'ENGINE_UNAVAILABLE' ? LONGEST_ENGINE_BACKOFF_MS : LONGEST_BACKOFF_MS
    backoff = Math.min(backoff * 2, longest)
  }
}

async function tryPrepare(
  context: RunnerContext,
  instance: DriverInstance,
  signal: AbortSignal,
): Promise<InstanceFailure | null> {
  try {
    await prepare(context, instance, signal)
    return null
  } catch (error) {
    if (error instanceof InstanceFailure && !signal.aborted) return error
    throw error
  }
}

async function prepare(context: RunnerContext, instance: DriverInstance, signal: AbortSignal): Promise<void> {
  context.show({ state: 'pending', phase: null, startedAt: null, exitCode: null, signal: null, error: null })
  const { resolvedVersion } = await context.installSlots.run(signal, () => {
    context.show({ state: 'installing', phase: 'Preparing' })
    return context.driver.prepare(instance, {
      signal,
      log: context.log,
      onPhase(phase) {
        context.log.write('agent', phase)
        context.show({ phase })
      },
    })
  })
  context.show({ resolvedVersion })
}

/** From start to the end of the last process: answers how it ended, or why it was ended. */
async function oneLife(
  context: RunnerContext,
  instance: DriverInstance,
  signal: AbortSignal,
): Promise<RunExit | InstanceFailure> {
  context.show({ state: 'starting', phase: 'Starting' })
  let run: Run
  try {
    run = await context.driver.start(instance, { log: context.log })
  } catch (error) {
    if (error instanceof InstanceFailure) return error
    throw error
  }
  context.setRun(run)
  context.show({ startedAt: new Date().toISOString() })
  const life = new AbortController()
  const bridge = run.stdio === null ? null : openBridge(context, run.stdio)
  const exited = run.exited.then((exit) => {
    bridge?.close(describeExit(exit))
    return exit
  })
  try {
    const aborted = onAbort(signal, life.signal)
    const ready = becomeReady(context, instance.spec, run, bridge, life.signal)
    const first = await Promise.race([exited, aborted, ready])
    if (first === 'aborted') return await exitAfterStop(context, run)
    if (first instanceof InstanceFailure || !('target' in first)) return first
    await context.markReady()
    context.setTarget(first.target)
    context.log.write('agent', 'Ready.')
    context.show({ state: 'running', phase: null, exitCode: null, signal: null, error: null })
    const end = await Promise.race([exited, aborted])
    context.setTarget(null)
    if (end === 'aborted') return await exitAfterStop(context, run)
    if (end.error?.code === 'ENGINE_UNAVAILABLE') {
      context.show({ state: 'backoff', startedAt: null, error: end.error })
    }
    return end
  } finally {
    life.abort()
    context.setTarget(null)
    bridge?.close('The MCP server was stopped.')
    await stopUnlessAway(context, run)
    context.setRun(null)
    // Not known while the engine is away.
    const exit = await Promise.race([run.exited, sleep(1_000, null)])
    if (exit !== null) context.log.write('agent', describeExit(exit))
  }
}

function openBridge(context: RunnerContext, stdio: NonNullable<Run['stdio']>): StdioBridge {
  return createStdioBridge({
    ...stdio,
    clientInfo: { name: 'toolberth-dtma', version: AGENT_VERSION },
    onChatter: (line) => context.log.write('stdout', line.slice(0, MAX_CHATTER_CHARS)),
  })
}

async function becomeReady(
  context: RunnerContext,
  spec: InstanceSpec,
  run: Run,
  bridge: StdioBridge | null,
  signal: AbortSignal,
): Promise<{ target: McpTarget } | InstanceFailure> {
  try {
    if (bridge !== null) {
      await awaitInitialized(bridge, context.readyTimeoutMs)
      return { target: { kind: 'bridge', bridge } }
    }
    const path = spec.http?.path ?? '/mcp'
    const address = await awaitListening(run, path, context.readyTimeoutMs, signal)
    if (spec.transport === 'sse') return { target: openLocalSse({ ...address, path }, signal) }
    return { target: openLocalHttp({ ...address, path }, signal) }
  } catch (error) {
    // A server that ended is reported by its exit, which says more; it closes the bridge and is about to win the race.
    if (!(error instanceof InstanceFailure)) return new Promise(() => {})
    const exit = await Promise.race([run.exited.then(() => true), sleep(1_000, false)])
    return exit ? new Promise(() => {}) : error
  }
}

async function exitAfterStop(context: RunnerContext, run: Run): Promise<RunExit> {
  context.setTarget(null)
  context.show({ state: 'stopping', phase: null })
  await run.stop()
  return run.exited
}

/** What an engine that is away cannot end now is ended before anything else is done with the instance. */
async function stopUnlessAway(context: RunnerContext, run: Run): Promise<void> {
  try {
    await run.stop()
  } catch (error) {
    if (!(error instanceof InstanceFailure && error.code === 'ENGINE_UNAVAILABLE')) throw error
    context.log.write('agent', error.message)
  }
}

function exitOf(exit: RunExit): { exitCode: number | null; signal: string | null } {
  return { exitCode: exit.exitCode, signal: exit.signal }
}
