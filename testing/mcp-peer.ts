import type { RequestListener, ServerResponse } from 'node:http'

export type Rpc = {
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: unknown
  error?: unknown
}
export type RpcHandler = (message: Rpc, response: ServerResponse) => void

/** An MCP server that initialises properly and leaves every other request to `handler`; `got` is what it was sent. */
export function mcpPeer(handler: RpcHandler): { listener: RequestListener; got: Rpc[] } {
  const got: Rpc[] = []
  return {
    got,
    listener(request, response) {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        if (request.method === 'DELETE') {
          got.push({ method: 'DELETE' })
          response.end()
          return
        }
        if (request.method === 'GET') {
          response.writeHead(405).end()
          return
        }
        const message = JSON.parse(text) as Rpc
        got.push(message)
        if (message.method === 'initialize') {
          const result = {
            protocolVersion: '2025-06-18',
            capabilities: {},
            serverInfo: { name: 's', version: '1' },
          }
          answerJson(
            response,
            { jsonrpc: '2.0', id: message.id, result },
            { 'mcp-session-id': `s${got.length}` },
          )
        } else if (message.id === undefined || message.method === undefined) {
          response.writeHead(202).end()
        } else handler(message, response)
      })
    },
  }
}

export function answerJson(
  response: ServerResponse,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Answers with an empty content and the params as they came. */
export const answerParams: RpcHandler = ({ id, params }, response) =>
  answerJson(response, { jsonrpc: '2.0', id, result: { content: [], 'x-kept': params } })
