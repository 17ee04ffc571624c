import type { inferRouterOutputs } from '@trpc/server'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'
import type { Deployment, DeploymentState } from '#contracts/servers.ts'
import type { AppRouter } from '#server/trpc/router.ts'
import type { ToolberthClient } from './create-client.ts'
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
const ENDED: ReadonlySet<unknown> = new Set<DeploymentState>(['live', 'failed', 'cancelled', 'rolled_back'])

/** A deployment ended otherwise than live. `message` says why and what to do. */
export class ToolberthDeploymentFailed extends Error {
  override readonly name = 'ToolberthDeploymentFailed'
  readonly deployment: Deployment
  /** Cause by code, with its detail; null when it was cancelled. */
  readonly failure: Deployment['failure']
  /** What to do next. */
  readonly action: string
  /** Last lines of the server's log, oldest first. */
  readonly logTail: Deployment['logTail']

  constructor(deployment: Deployment, serverName: string) {
    const { failure, state, logTail } = deployment
    // A server that is newer than this client may know more codes.
    const entry = failure && failure.code in ERROR_CATALOGUE ? ERROR_CATALOGUE[failure.code] : null
    const action = entry?.action ?? 'Deploy again when you are ready.'
    const cause = entry?.text ?? failure?.code ?? `It was ${state.replace('_', ' ')}.`
    const facts = [failure?.variable, failure?.detail].filter((fact) => fact != null)
    super(`The deployment of ${serverName} is not live. ${[cause, ...facts, action].join(' ')}`)
    this.deployment = deployment
    this.failure = failure
    this.action = action
    this.logTail = logTail
  }
}

/** A deployment was still going on when the time was over; it goes on without being waited for. */
export class ToolberthDeploymentTimedOut extends Error {
  override readonly name = 'ToolberthDeploymentTimedOut'
  readonly deployment: Deployment

  constructor(deployment: Deployment, timeoutMs: number) {
    super(`The deployment is still ${deployment.state} after ${timeoutMs / 1000} s.`)
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
  const again = async () => {
    found = await look(client, { serverId, deploymentId: id }, signal)
    return ENDED.has(found.deployment.state)
  }
  try {
    if (ENDED.has(found.deployment.state)) return outcome(found)
    for await (const message of statusMessages(client, { serverId, cursor: found.server.cursor, signal })) {
      if (message.kind === 'reset' && (await again())) break
      if (message.kind !== 'event') continue
      const { event } = message
      if (event.subjectId === id) onEvent?.(event)
      const isEnd = event.subjectId === id && ENDED.has(event.data.state)
      if ((isEnd || event.type === 'server.deleted') && (await again())) break
    }
  } catch (error) {
    if (timeout.aborted && !options.signal?.aborted)
      throw new ToolberthDeploymentTimedOut(found.deployment, timeoutMs)
    options.signal?.throwIfAborted()
    throw error
  }
  return outcome(found)
}

async function look(
  client: ToolberthClient,
  { serverId, deploymentId }: Pick<WaitForDeploymentOptions, 'serverId' | 'deploymentId'>,
  signal: AbortSignal | undefined,
): Promise<LiveDeployment> {
  const server = await client.servers.get.query({ id: serverId }, signal && { signal })
  const deployment = server.deployments.find(({ id }) => deploymentId === undefined || id === deploymentId)
  if (!deployment)
    throw new Error(
      `${server.name} has no ${deploymentId === undefined ? 'deployment' : `deployment ${deploymentId}`} that this key may see.`,
    )
  return { deployment, server }
}

function outcome(found: LiveDeployment): LiveDeployment {
  if (found.deployment.state === 'live') return found
  throw new ToolberthDeploymentFailed(found.deployment, found.server.name)
}
