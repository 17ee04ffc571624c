import type { Heartbeat } from '#contracts/dtma.ts'
import type { InstanceStatus } from '#contracts/instances.ts'
import { signRequest } from '#protocol/signing.ts'
import { HOST, type TestToolbox } from '#testing/seeded.ts'

export interface AgentAnswer {
  status: number
  body: {
    error?: { code: string; message: string; serverTime?: string; protocolVersions?: number[] }
  } & Record<string, unknown>
}

/** A heartbeat as an agent of this toolbox sends it. */
export function heartbeatOf(toolbox: Pick<TestToolbox, 'id'>, change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    toolboxId: toolbox.id,
    bootId: 'boot-1',
    sequence: 1,
    agentVersion: '0.1.0',
    agentBuild: null,
    upgrade: null,
    protocolVersion: 1,
    host: HOST,
    instances: [],
    ...change,
  }
}

export function statusOf(id: string, change: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    id,
    fence: 1,
    desired: 'running',
    state: 'running',
    phase: null,
    exitCode: null,
    signal: null,
    restarts: 0,
    startedAt: new Date().toISOString(),
    resolvedVersion: '1.2.3',
    error: null,
    memoryBytes: 1024,
    ...change,
  }
}

export type AgentSender = Pick<TestToolbox, 'id' | 'identity'>

/** Sends what an agent of the toolbox signed to the routes that it calls. */
export async function sendSigned(
  toolbox: AgentSender,
  path: string,
  body?: unknown,
  change: { headers?: Record<string, string>; now?: Date; sent?: string; path?: string } = {},
): Promise<AgentAnswer> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const method = body === undefined ? 'GET' : 'POST'
  const headers = {
    ...signRequest({
      privateKey: toolbox.identity.privateKey,
      toolboxId: toolbox.id,
      method,
      path,
      body: text,
      now: change.now ?? new Date(),
    }),
    ...change.headers,
  }
  return sendRaw(change.path ?? path, {
    method,
    headers,
    ...(body !== undefined && { body: change.sent ?? text }),
  })
}

/** Any request to the agents' ingress, as Next hands it to its routes. */
export async function sendRaw(path: string, init: RequestInit): Promise<AgentAnswer> {
  const request = new Request(`http://127.0.0.1:3000${path}`, init)
  const response = await route(path, request)
  return { status: response.status, body: (await response.json()) as AgentAnswer['body'] }
}

async function route(path: string, request: Request): Promise<Response> {
  const instance = /^\/api\/dtma\/instances\/([^/?]*)/.exec(path)?.[1]
  if (instance !== undefined) {
    const { GET } = await import('#app/api/dtma/instances/[id]/route.ts')
    return GET(request, { params: Promise.resolve({ id: instance }) })
  }
  if (path.startsWith('/api/dtma/bootstrap'))
    return (await import('#app/api/dtma/bootstrap/route.ts')).POST(request)
  const { POST } = path.startsWith('/api/dtma/enroll')
    ? await import('#app/api/dtma/enroll/route.ts')
    : path.startsWith('/api/dtma/bootstrap')
      ? await import('#app/api/dtma/bootstrap/route.ts')
      : await import('#app/api/dtma/heartbeat/route.ts')
  return POST(request)
}
