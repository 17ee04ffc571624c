import {
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createIdentity, fingerprintOfKey, publicKeyFingerprint } from '#protocol/identity.ts'

export interface ToolboxStandIn {
  url: string
  certificate: string
  /** What serves `/v1/instances/{id}/mcp`: another server's URL, or a handler. */
  instances: Map<string, string | RequestListener>
  /** What serves `PUT /v1/instances/{id}`; nothing until it is set. */
  put: RequestListener | null
  /** What serves `/v1/instances/{id}/logs`. */
  logs: Map<string, RequestListener>
  /** `METHOD` and headers of each request to an instance, in order. */
  seen: { method: string; instanceId: string; headers: IncomingMessage['headers'] }[]
  /** Cuts every connection. */
  cut(): void
  stop(): Promise<void>
}

/**
 * The network face of a toolbox and nothing behind it: TLS with a pinned key, one client identity let in, requests passed on to
 * real MCP servers or to a handler that fails in a given way.
 */
export async function startToolboxStandIn(clientCertificate: string): Promise<ToolboxStandIn> {
  const identity = await createIdentity('toolbox')
  const allowed = publicKeyFingerprint(clientCertificate)
  const instances: ToolboxStandIn['instances'] = new Map()
  const logs: ToolboxStandIn['logs'] = new Map()
  const seen: ToolboxStandIn['seen'] = []
  const server: Server = createServer(
    { cert: identity.certificate, key: identity.privateKey, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      if (request.url === '/healthz') {
        response.end('ok')
        return
      }
      const key = (request.socket as TLSSocket).getPeerX509Certificate()?.publicKey
      if (key === undefined || fingerprintOfKey(key) !== allowed) return refuse(response, 401, 'UNAUTHORIZED')
      if (request.method === 'PUT' && standIn.put) return standIn.put(request, response)
      const log = /^\/v1\/instances\/([^/]+)\/logs(?:\?|$)/.exec(request.url ?? '')?.[1]
      if (log !== undefined)
        return (logs.get(log) ?? ((_, unknown) => refuse(unknown, 404, 'NOT_FOUND')))(request, response)
      const instanceId = /^\/v1\/instances\/([^/]+)\/mcp$/.exec(request.url ?? '')?.[1] ?? ''
      seen.push({ method: request.method ?? '', instanceId, headers: request.headers })
      const target = instances.get(instanceId)
      if (target === undefined) return refuse(response, 404, 'NOT_FOUND')
      if (typeof target === 'string') passOn(target, request, response)
      else target(request, response)
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const standIn: ToolboxStandIn = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate: identity.certificate,
    instances,
    put: null,
    logs,
    seen,
    cut: () => server.closeAllConnections(),
    async stop() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
  return standIn
}

/** Passes a request on to another server, and its answer back. */
export function passOn(url: string, request: IncomingMessage, response: ServerResponse): void {
  const { host: _host, ...headers } = request.headers
  const passed = httpRequest(url, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders()
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  passed.once('error', () =>
    response.headersSent ? response.destroy() : refuse(response, 502, 'UPSTREAM_FAILED'),
  )
  response.once('close', () => passed.destroy())
  request.pipe(passed)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { code, message: 'Refused.' } }))
}
