import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AgentStatus, type InstanceStats, PutAgent, PutInstance } from '#contracts/dtma.ts'
import { Id } from '#contracts/names.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { InstanceManager } from '#dtma/instances/manager.ts'
import type { InstanceRunner } from '#dtma/instances/runner.ts'
import { parseJson } from '#protocol/bounded-http.ts'
import { type Clients, identifyCaller } from './authorise.ts'
import { proxyMcp } from './proxy-mcp.ts'
import { MAX_PUT_BYTES, readBody, sendJson } from './respond.ts'
import { readLogRequest, streamLogs } from './stream-logs.ts'

export type RouteContext = {
  manager: InstanceManager
  clients(): Clients
  status(): Promise<AgentStatus>
  upgrade(wanted: PutAgent): unknown
}

/** Routes one request of the agent's API (v1). Throws AgentFailure and BoundedHttpError for the caller to answer. */
export async function route(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://agent')
  const method = request.method ?? 'GET'
  if (url.pathname === '/healthz') return sendJson(response, 200, { ok: true })

  const caller = identifyCaller(request, context.clients())
  const [, version, noun, id, part, ...rest] = url.pathname.split('/')
  if (version !== 'v1' || rest.length > 0) throw notFound()
  if (caller === 'gateway' && !(noun === 'instances' && part === 'mcp')) {
    throw new AgentFailure('FORBIDDEN', 'The gateway may call the MCP endpoints of instances only.')
  }
  if (noun === 'status' && id === undefined && method === 'GET') {
    return sendJson(response, 200, await context.status())
  }
  if (noun === 'agent' && id === undefined && method === 'PUT') {
    return sendJson(
      response,
      200,
      context.upgrade(parseJson(await readBody(request, MAX_PUT_BYTES), PutAgent)),
    )
  }
  if (noun !== 'instances' || id === undefined) throw notFound()
  if (!Id.safeParse(id).success) throw new AgentFailure('BAD_REQUEST', 'This is not the id of an instance.')

  if (part === undefined && method === 'PUT') {
    const put = parseJson(await readBody(request, MAX_PUT_BYTES), PutInstance)
    return sendJson(response, 200, await context.manager.put(id, put))
  }
  const runner = context.manager.runner(id)
  if (runner === undefined) throw new AgentFailure('NOT_FOUND', 'This agent does not know the instance.')
  if (part === 'mcp') return serveMcp(runner, request, response)
  if (method !== 'GET') throw notFound()
  if (part === undefined) return sendJson(response, 200, runner.status())
  if (part === 'stats') return sendJson(response, 200, statsOf(runner))
  if (part === 'logs') return streamLogs(runner.log, readLogRequest(url.searchParams), response)
  throw notFound()
}

async function serveMcp(
  runner: InstanceRunner,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = runner.target()
  if (target === null) {
    throw new AgentFailure('NOT_RUNNING', `The MCP server is not running; it is ${runner.status().state}.`)
  }
  await proxyMcp(target, request, response)
}

function statsOf(runner: InstanceRunner): InstanceStats {
  const run = runner.run()
  const usage = run?.usage() ?? null
  const target = runner.target()
  return {
    memoryBytes: usage?.memoryBytes ?? null,
    cpuSeconds: run?.cpuSeconds() ?? null,
    tasks: usage?.tasks ?? null,
    sessions: sessionsOf(target),
  }
}

function sessionsOf(target: ReturnType<InstanceRunner['target']>): number | null {
  if (target?.kind === 'bridge') return target.bridge.sessions()
  return target?.kind === 'relay' ? target.relay.sessions() : null
}

function notFound(): AgentFailure {
  return new AgentFailure('NOT_FOUND', 'There is nothing at this address.')
}
