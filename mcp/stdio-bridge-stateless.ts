import type { ServerResponse } from 'node:http'
import { parseRpcMessage, RPC_INVALID_REQUEST, RPC_PARSE_ERROR } from './json-rpc.ts'
import { createReply, refuse } from './relay-reply.ts'
import { HEADER_VERSION, RPC_UNSUPPORTED_VERSION, STATELESS_VERSION } from './stateless.ts'
import type { StatelessPeer } from './stateless-peer.ts'
import type { BridgeRequest } from './stdio-bridge-http.ts'

/** The HTTP face of a stdio server that speaks the stateless era alone: POST, and nothing else. */
export async function handleStateless(
  peer: StatelessPeer,
  request: BridgeRequest,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST')
    return refuse(response, 405, null, RPC_INVALID_REQUEST, 'Method not allowed.')
  }
  const parsed = parseRpcMessage(request.body.toString('utf8'))
  if (parsed === null) return refuse(response, 400, null, RPC_PARSE_ERROR, 'The body is no JSON-RPC message.')
  const id = parsed.kind === 'request' ? parsed.message.id : null
  if (request.headers[HEADER_VERSION] !== STATELESS_VERSION) {
    const supported = `The MCP server speaks ${STATELESS_VERSION} alone.`
    return refuse(response, 400, id, RPC_UNSUPPORTED_VERSION, supported, { supported: [STATELESS_VERSION] })
  }
  if (parsed.kind === 'request') {
    await peer.request(parsed.message, createReply(request.headers, response))
    return
  }
  response.writeHead(202).end()
}
