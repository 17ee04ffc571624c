import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream/promises'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { McpTarget } from '#dtma/instances/runner-types.ts'
import { takeCallingUser } from './calling-user.ts'
import { MAX_MCP_BYTES, readBody } from './respond.ts'

/** RFC 9110, section 7.6.1, with the older ones still in use; they speak of one connection. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const CONNECT_MS = 5_000

type HttpTarget = Extract<McpTarget, { kind: 'http' }>

/** Hands an MCP request to the server of an instance, and its answer back as it comes (event streams are not buffered). */
export async function proxyMcp(
  target: McpTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, MAX_MCP_BYTES)
  const user = takeCallingUser(request)
  if (target.kind === 'bridge') {
    await target.bridge.handle({ method: request.method ?? 'GET', headers: request.headers, body }, response)
    return
  }
  if (target.kind === 'remote' || target.kind === 'relay') {
    const { method = 'GET', headers } = request
    const to = target.kind === 'remote' ? target.remote : target.relay
    await to.handle({ method, headers, user, body }, response)
    return
  }
  const answer = await callServer(target, request, user.headers, body, response)
  response.writeHead(answer.statusCode ?? 502, endToEndHeaders(answer.headers))
  response.flushHeaders()
  // An end on either side ends the other; there is nothing left to answer then.
  await pipeline(answer, response).catch(() => answer.destroy())
}

async function callServer(
  target: HttpTarget,
  request: IncomingMessage,
  own: Record<string, string>,
  body: Buffer,
  response: ServerResponse,
): Promise<IncomingMessage> {
  const query = /\?.*$/.exec(request.url ?? '')?.[0] ?? ''
  const headers: IncomingHttpHeaders = {
    ...endToEndHeaders(request.headers),
    ...own,
    host: `localhost:${target.port}`,
  }
  delete headers.expect
  if (body.length > 0 || request.method === 'POST') headers['content-length'] = String(body.length)
  const { host, port, path, agent } = target
  const sent = {
    host,
    port,
    path: path + query,
    method: request.method,
    headers,
    // An event stream stays open and is none of the calls, which have a bound.
    agent: request.method === 'GET' ? false : agent,
  }
  try {
    return await send(sent, body, response)
  } catch (error) {
    // The server ended the connection while the request was under way to it. A POST may have been run; these may be sent twice.
    const again = error instanceof StaleConnection && request.method !== 'POST' && !response.destroyed
    if (again) return send({ ...sent, agent: false }, body, response)
    throw error
  }
}

/** A connection that had served before ended without a word of an answer. */
class StaleConnection extends AgentFailure {}

function send(options: RequestOptions, body: Buffer, response: ServerResponse): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(options)
    const timer = setTimeout(
      () => call.destroy(new Error('The server does not accept connections.')),
      CONNECT_MS,
    )
    call.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(timer))
      else clearTimeout(timer)
    })
    call.once('response', (answer) => resolve(answer))
    call.on('error', (error) => {
      clearTimeout(timer)
      const Failure = call.reusedSocket ? StaleConnection : AgentFailure
      reject(new Failure('UPSTREAM_FAILED', `The MCP server did not answer: ${error.message}`))
    })
    response.once('close', () => {
      clearTimeout(timer)
      if (!response.writableFinished) call.destroy()
    })
    call.end(body)
  })
}

export function endToEndHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name)),
  )
}
