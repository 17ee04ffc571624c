import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { RPC_INTERNAL_ERROR, RPC_INVALID_REQUEST, rpcFailure } from '#mcp/json-rpc.ts'
import { STATELESS_VERSION } from '#mcp/stateless.ts'
import { answerMetrics } from './answer-metrics.ts'
import { answerUnauthorized } from './answer-unauthorized.ts'
import type { AgentRequest, GatewayContext } from './context.ts'
import type { Guard } from './guard.ts'
import { handlePost } from './handle-post.ts'
import { handleDelete } from './legacy/handle-delete.ts'
import { handleGet } from './legacy/handle-get.ts'
import { answerStoreUnavailable } from './legacy/require-session.ts'
import type { AgentView } from './lists/agent-view.ts'
import { namesStateless } from './modern/classify.ts'
import { createReply, type Reply } from './reply.ts'
import { RightsUnavailableError } from './rights-cache.ts'
import { readRoute } from './route.ts'

const ALLOWED_HEADERS =
  'authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id'
const ALLOWED_METHODS = 'GET, POST, DELETE, OPTIONS'

/** What only the entrance needs. */
interface EntryContext {
  guard: Guard
  stopping: () => boolean
  /** Opens `/metrics`; null: callers on this machine may read it. */
  metricsToken: string | null
}

/** Answers one HTTP request. Addresses are not logged, for they may carry a token; errors of ours answer 500 without their text. */
export async function handleRequest(
  context: GatewayContext & EntryContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  const reply = createReply(response)
  const log: AgentRequest['log'] = {}
  let agentId: string | undefined
  response.once('close', () => {
    const ms = Math.round(performance.now() - startedAt)
    context.logger.debug(
      { ...log, agentId, method: request.method, status: response.statusCode, ms },
      'request',
    )
  })
  try {
    for (const [name, value] of Object.entries(context.guard.corsHeaders(request.headers.origin))) {
      response.setHeader(name, value)
    }
    const agent = await authorize(context, request, response, { reply, log, startedAt })
    if (agent === null) {
      if (!request.complete) request.resume()
      return
    }
    agentId = agent.view.rights.agentId
    context.noteUse(agentId)
    await dispatch(context, request, agent)
  } catch (error) {
    context.logger.error({ err: error, agentId, ...log }, 'a request failed')
    const failure = rpcFailure(
      null,
      RPC_INTERNAL_ERROR,
      'Something went wrong inside the gateway. Try again.',
    )
    if (reply.streaming) reply.finish(failure)
    else reply.json(500, failure)
  }
}

/** Everything before the agent's own business. `null` after the request was answered. */
async function authorize(
  context: GatewayContext & EntryContext,
  request: IncomingMessage,
  response: ServerResponse,
  { reply, log, startedAt }: Pick<AgentRequest, 'reply' | 'log' | 'startedAt'>,
): Promise<AgentRequest | null> {
  const { headers } = request
  const refusal = context.guard.refusal(request)
  if (refusal !== null) {
    reply.json(403, rpcFailure(null, RPC_INVALID_REQUEST, refusal))
    return null
  }
  const route = readRoute(request.url ?? '', headers.authorization)
  if (route.kind === 'metrics' && answerMetrics(context.metrics, context.metricsToken, request, response)) {
    return null
  }
  if (route.kind === 'unknown' || route.kind === 'metrics') {
    const text = 'There is nothing at this address: an agent is at /agents/{agentId}/mcp.'
    reply.json(404, rpcFailure(null, RPC_INVALID_REQUEST, text))
    return null
  }
  if (route.kind === 'health') {
    reply.json(context.stopping() ? 503 : 200, `{"status":"${context.stopping() ? 'stopping' : 'ok'}"}`)
    return null
  }
  if (request.method === 'OPTIONS') {
    reply.empty(204, preflight(headers))
    return null
  }
  if (context.stopping()) {
    answerStopping(reply)
    return null
  }
  if (route.token === null) {
    answerUnauthorized(reply, null, headers.authorization !== undefined)
    return null
  }
  const tokenHash = hash('sha256', route.token, 'buffer')
  let view: AgentView | null
  try {
    view = await context.rights.get(tokenHash)
  } catch (error) {
    if (!(error instanceof RightsUnavailableError)) throw error
    context.logger.error({ err: error.cause ?? error }, 'rights cannot be read')
    answerStoreUnavailable({ reply }, null)
    return null
  }
  // A token opens its own agent's address and no other.
  if (
    view === null ||
    hasExpired(view) ||
    (route.agentId !== null && route.agentId !== view.rights.agentId)
  ) {
    answerUnauthorized(reply, null)
    return null
  }
  return { tokenHash, view, headers, reply, log, startedAt, requestBytes: 0 }
}

async function dispatch(
  context: GatewayContext,
  request: IncomingMessage,
  agent: AgentRequest,
): Promise<void> {
  switch (request.method) {
    case 'POST':
      return handlePost(context, request, agent)
    case 'GET':
      if (namesStateless(agent.headers)) return answerPostOnly(agent.reply)
      return handleGet(context, agent)
    case 'DELETE':
      if (namesStateless(agent.headers)) return answerPostOnly(agent.reply)
      return handleDelete(context, agent)
    default: {
      const failure = rpcFailure(
        null,
        RPC_INVALID_REQUEST,
        'Use POST for messages, GET for the stream, DELETE to end.',
      )
      return agent.reply.json(405, failure, { allow: ALLOWED_METHODS })
    }
  }
}

/** The era without sessions has no stream of its own and nothing to end. */
function answerPostOnly(reply: Reply): void {
  const text = `${STATELESS_VERSION} is spoken by POST alone.`
  reply.json(405, rpcFailure(null, RPC_INVALID_REQUEST, text), { allow: 'POST, OPTIONS' })
}

function preflight({ origin, ...headers }: IncomingHttpHeaders): Record<string, string> {
  const wanted = headers['access-control-request-headers'] ?? ''
  if (origin === undefined) return { allow: ALLOWED_METHODS }
  return {
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': [ALLOWED_HEADERS, ...paramHeadersIn(wanted)].join(', '),
    'access-control-max-age': '600',
  }
}

/** Tools name them, so there is no list to give. */
function paramHeadersIn(wanted: string): string[] {
  return wanted
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^mcp-param-[\w.-]{1,100}$/.test(name))
}

function answerStopping(reply: Reply): void {
  const failure = rpcFailure(null, RPC_INTERNAL_ERROR, 'The gateway is shutting down. Try again in a moment.')
  reply.json(503, failure, { 'retry-after': '1', connection: 'close' })
}

/** A token that was replaced counts for a while; its end changes no row. */
function hasExpired({ rights: { expiresAt } }: AgentView): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now()
}
