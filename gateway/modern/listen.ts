import { randomUUID } from 'node:crypto'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { describeFailure, UpstreamError } from '#gateway/upstream/error.ts'
import {
  PROMPTS_CHANGED,
  RESOURCE_UPDATED,
  RESOURCES_CHANGED,
  TOOLS_CHANGED,
} from '#gateway/watch/changes.ts'
import { openFeed } from '#gateway/watch/feed.ts'
import { within } from '#gateway/within.ts'
import { CLIENT_INFO } from '#mcp/client-info.ts'
import {
  isRecord,
  RPC_INVALID_PARAMS,
  type RpcNotification,
  type RpcRequest,
  rpcNotification,
  rpcResult,
} from '#mcp/json-rpc.ts'
import { META_SERVER_INFO, META_SUBSCRIPTION_ID } from '#mcp/stateless.ts'
import { refuse } from './refusal.ts'
import { sendLatest } from './send-latest.ts'
import { type Honored, honor, SubscriptionFilter } from './subscription-filter.ts'

/** The acknowledgement waits this long at most for servers that do not say whether they are listened to, milliseconds. */
const READY_WITHIN_MS = 1000

/**
 * Answers `subscriptions/listen`: a stream that begins with what will be told, tells it, and ends with a result when the gateway stops or
 * the agent loses its right.
 */
export async function listen(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  client: ClientSide,
): Promise<void> {
  const { reply, view } = agent
  const { id } = request
  const wanted = SubscriptionFilter.safeParse(request.params?.notifications)
  if (!wanted.success) {
    const fields = wanted.error.issues.map(({ path }) => ['notifications', ...path].join('.')).join(', ')
    const text = `"subscriptions/listen" needs a filter in params.notifications (wrong or missing: ${fields}).`
    return refuse(reply, id, { status: 400, code: RPC_INVALID_PARAMS, text })
  }
  const remove = context.listens.add(view.rights.agentId, end)
  if (remove === null) {
    agent.log.outcome = 'TOO_MANY_CALLS'
    return reply.json(200, describeFailure(id, request.method, new UpstreamError('TOO_MANY_CALLS', 'agent')))
  }
  function end(): void {
    // A result ends it for good; until the acknowledgement there is no stream to end.
    reply.finish(
      rpcResult(id, {
        resultType: 'complete',
        _meta: { [META_SUBSCRIPTION_ID]: id, [META_SERVER_INFO]: CLIENT_INFO },
      }),
    )
  }
  const closed = new Promise<void>((resolve) => reply.onClientGone(resolve))
  try {
    const honored = await honor(context, view, client, wanted.data)
    if (!reply.gone) await tellUntil(context, { agent, request, client, honored, closed, end })
  } finally {
    remove()
  }
}

interface Telling {
  agent: AgentRequest
  request: RpcRequest
  client: ClientSide
  honored: Honored
  closed: Promise<void>
  end: () => void
}

async function tellUntil(context: GatewayContext, input: Telling): Promise<void> {
  const { honored, closed, end } = input
  const { reply, view, tokenHash } = input.agent
  const { id } = input.request
  const stamped = (method: string, params: RpcNotification['params']) =>
    rpcNotification(method, {
      ...params,
      _meta: { ...(isRecord(params?._meta) && params._meta), [META_SUBSCRIPTION_ID]: id },
    })
  const news = sendLatest(reply)
  // Sessions that it needs at servers are its own: what is told there is nobody else's.
  const key = `listen:${randomUUID()}`
  const feed = openFeed({
    context,
    client: { ...input.client, use: { key }, capabilities: {}, ask: null },
    view,
    subscriptions: honored.subscriptions,
    tell({ method, params }) {
      const about = subjectOf(honored, method, params?.uri)
      if (about !== null) news.tell(about, stamped(method, params))
    },
  })
  const stopWatching = context.rights.watch(tokenHash, (current) => {
    if (current === null) end()
    else feed.update({ view: current })
  })
  try {
    await within(Promise.race([feed.ready(), closed]), READY_WITHIN_MS)
    reply.openStream(() => {
      const { expiresAt } = view.rights
      if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) end()
    })
    news.begin(stamped('notifications/subscriptions/acknowledged', { notifications: honored.filter }))
    // There is nothing to wait for.
    if (Object.keys(honored.filter).length === 0) end()
    await closed
  } finally {
    stopWatching()
    feed.close()
    context.upstream.channels.end(key)
    context.upstream.sessions.end(key)
  }
}

/** What a message is about; null for what was not asked for. */
function subjectOf({ filter, subscriptions }: Honored, method: string, uri: unknown): string | null {
  switch (method) {
    case TOOLS_CHANGED:
      return filter.toolsListChanged === true ? method : null
    case PROMPTS_CHANGED:
      return filter.promptsListChanged === true ? method : null
    case RESOURCES_CHANGED:
      return filter.resourcesListChanged === true ? method : null
    case RESOURCE_UPDATED:
      return typeof uri === 'string' && Object.hasOwn(subscriptions, uri) ? `${method} ${uri}` : null
    default:
      return null
  }
}
