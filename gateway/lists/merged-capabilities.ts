import type { GatewayContext } from '#gateway/context.ts'
import { targetOf } from '#gateway/targets.ts'
import { NoSessionsError } from '#gateway/upstream/initialize.ts'
import type { Era } from '#gateway/upstream/servers.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import { isRecord } from '#mcp/json-rpc.ts'
import type { AgentView } from './agent-view.ts'

/** How long the answer waits for servers that were never asked, milliseconds. */
const BUDGET_MS = 250

/**
 * What the agent's servers can do together. Servers that were never asked from here are asked now, all at once and within the budget;
 * one that does not answer adds tools alone.
 */
export async function mergedCapabilities(
  context: GatewayContext,
  view: AgentView,
  era: Era,
): Promise<Record<string, unknown>> {
  const targets = view.rights.connections
    .map((connection) => targetOf(view, connection))
    .filter((target) => target !== null)
  const { servers } = context.upstream
  const asked = targets
    .filter(({ instanceId }) => servers.capabilities(instanceId) === null)
    .map((target) => learn(context, target, era))
  if (asked.length > 0) await settled(asked, BUDGET_MS)
  const all = targets.map(({ instanceId }) => servers.capabilities(instanceId))
  const has = (name: string) => all.some((capabilities) => capabilities?.[name] !== undefined)
  const subscribable = all.some((one) => isRecord(one?.resources) && one.resources.subscribe === true)
  return {
    tools: { listChanged: true },
    ...(has('prompts') && { prompts: { listChanged: true } }),
    ...(has('resources') && { resources: { listChanged: true, ...(subscribable && { subscribe: true }) } }),
    ...(has('completions') && { completions: {} }),
    ...(has('logging') && { logging: {} }),
  }
}

/** Greets a server in an era that it speaks, which says what it can do. */
async function learn(context: GatewayContext, target: UpstreamTarget, era: Era): Promise<void> {
  const { servers, sessions } = context.upstream
  try {
    if ((await servers.era(target, era)) === 'modern') return
    const lease = await sessions.lease(target)
    servers.noteCapabilities(target.instanceId, lease.session.capabilities)
    lease.release()
  } catch (error) {
    if (error instanceof NoSessionsError) await servers.hasNoSessions(target).catch(() => false)
  }
}

async function settled(work: Promise<void>[], ms: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  await Promise.race([Promise.allSettled(work), late.promise])
  clearTimeout(timer)
}
