import type { inferRouterOutputs } from '@trpc/server'
import type { Deployment, DeploymentState } from '#contracts/deployments.ts'
import { ERROR_CATALOGUE, type Failure } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'
import type { AppRouter } from '#server/trpc/router.ts'
import type { ToolberthClient } from './create-client.ts'
import { isWorthRetrying } from './errors.ts'
import { statusMessages } from './status-messages.ts'

export interface WaitForDeploymentOptions {
  serverId: string
  /** Left out: the newest deployment of the server. */
  deploymentId?: string
  /** Milliseconds; 5 minutes unless said otherwise, which a slow first install of a large package fits into. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Called for every event of this deployment, in order. */
  onEvent?: (event: StatusEvent) => void
}

type Server = inferRouterOutputs<AppRouter>['servers']['get']

export interface LiveDeployment {
  deployment: Deployment
  server: Server
}

const DEFAULT_TIMEOUT_MS = 5 * 60_000
const RETRY_MS = 500
const ENDED: ReadonlySet<string> = new Set<DeploymentState>(['live', 'failed', 'cancelled', 'rolled_back'])

/** A deployment ended otherwise than live. `message` says why and what to do. */
export class ToolberthDeploymentFailed extends Error {
  override readonly name = 'ToolberthDeploymentFailed'
  readonly deployment: Deployment

  constructor(deployment: Deployment, serverName: string) {
    const { failure } = deployment
    const cause = failure ? (catalogued(failure)?.text ?? failure.code) : `It was ${words(deployment.state)}.`
    const detail = [failure?.variable, failure?.detail].filter((fact) => fact != null).join(': ')
    const parts = [outcome(deployment.state, serverName), cause, nextAction(failure), detail && `(${detail})`]
    super(parts.filter(Boolean).join(' '))
    this.deployment = deployment
  }

  /** Cause by code, with its detail; null when it was cancelled. */
  get failure(): Deployment['failure'] {
    return this.deployment.failure
  }

  /** What to do next. */
  get action(): string {
    return nextAction(this.deployment.failure)
  }

  /** Last lines of the server's log, oldest first. */
  get logTail(): Deployment['logTail'] {
    return this.deployment.logTail
  }
}

/** What the server is left as. */
function outcome(state: DeploymentState, serverName: string): string {
  return state === 'rolled_back'
    ? `${serverName} was rolled back; what served before goes on serving.`
    : `${serverName} is not live.`
}

/** A server that is newer than this client may know more codes. */
function catalogued(failure: Failure) {
  return failure.code in ERROR_CATALOGUE ? ERROR_CATALOGUE[failure.code] : null
}

function nextAction(failure: Failure | null): string {
  const entry = failure && catalogued(failure)
  return entry?.action ?? 'Deploy again when you are ready.'
}

function words(state: DeploymentState): string {
  return state.replace('_', ' ')
}

/** A deployment was still going on when the time was over; it goes on without being waited for. */
export class ToolberthDeploymentTimedOut extends Error {
  override readonly name = 'ToolberthDeploymentTimedOut'
  readonly deployment: Deployment

  constructor(deployment: Deployment, lastState: string, timeoutMs: number) {
    super(
      `The deployment has not ended within ${timeoutMs / 1000} s; it was ${lastState} when last heard of.`,
    )
    this.deployment = deployment
  }
}

/**
 * Waits by subscription, without polling and without a gap, until a deployment is live. Throws ToolberthDeploymentFailed when it
 * ends otherwise, ToolberthDeploymentTimedOut, the signal's reason, or what `servers.get` (for admins) was refused with.
 */
export async function waitForDeployment(
  client: ToolberthClient,
  options: WaitForDeploymentOptions,
): Promise<LiveDeployment> {
  const { serverId, timeoutMs = DEFAULT_TIMEOUT_MS, onEvent } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  let found = await look(client, options, options.signal)
  const { id } = found.deployment
  let lastState: string = found.deployment.state
  const isOver = () => ENDED.has(found.deployment.state)
  const again = async () => {
    found = await persist(() => look(client, { serverId, deploymentId: id }, signal), signal)
    lastState = found.deployment.state
  }
  try {
    while (!isOver()) {
      for await (const message of statusMessages(client, { serverId, cursor: found.server.cursor, signal })) {
        if (message.kind === 'hello') continue
        const event = message.kind === 'event' ? message.event : null
        if (event?.subjectId === id) {
          onEvent?.(event)
          if (typeof event.data.state === 'string') lastState = event.data.state
        }
        if (ENDED.has(lastState) || event?.type === 'server.deleted' || message.kind === 'reset')
          await again()
        if (isOver()) break
      }
      if (!isOver()) await pause(signal)
    }
  } catch (error) {
    if (timeout.aborted && !options.signal?.aborted)
      throw new ToolberthDeploymentTimedOut(found.deployment, lastState, timeoutMs)
    options.signal?.throwIfAborted()
    throw error
  }
  if (found.deployment.state === 'live') return found
  throw new ToolberthDeploymentFailed(found.deployment, found.server.name)
}

/** Asks again while nothing answers, as between the end of a web process and the start of the next. */
async function persist<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isWorthRetrying(error)) throw error
      await pause(signal)
    }
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  signal.throwIfAborted()
}

async function look(
  client: ToolberthClient,
  { serverId, deploymentId }: Pick<WaitForDeploymentOptions, 'serverId' | 'deploymentId'>,
  signal: AbortSignal | undefined,
): Promise<LiveDeployment> {
  const server = await client.servers.get
    .query({ id: serverId }, signal && { signal })
    .catch((error: unknown) => {
      signal?.throwIfAborted()
      throw error
    })
  const deployment = server.deployments.find(({ id }) => deploymentId === undefined || id === deploymentId)
  if (!deployment)
    throw new Error(
      `${server.name} has no ${deploymentId === undefined ? 'deployment' : `deployment ${deploymentId}`} that this key may see.`,
    )
  return { deployment, server }
}
