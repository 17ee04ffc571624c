import type { RequestListener } from 'node:http'
import { startHttpPeer } from '#testing/probe-peers.ts'

type Rpc = {
  id?: number
  method: string
  params?: { protocolVersion?: string; arguments?: { message?: string } }
}

export type RemotePeer = {
  url: string
  /** The bearer token that it lets in. */
  token: string
  /** For as long as it is set it answers instead. */
  instead: RequestListener | null
  stop(): Promise<void>
}

/** An MCP server with one tool, `echo`, somewhere else than on a toolbox. Calls without its token get 401. */
export async function startRemotePeer(token: string): Promise<RemotePeer> {
  const http = await startHttpPeer((request, response) => {
    if (peer.instead) return peer.instead(request, response)
    if (request.headers.authorization !== `Bearer ${peer.token}`) return void response.writeHead(401).end()
    if (request.method !== 'POST')
      return void response.writeHead(request.method === 'DELETE' ? 200 : 405).end()
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const message = JSON.parse(text) as Rpc
      if (message.id === undefined) return void response.writeHead(202).end()
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message) }))
    })
  })
  const peer: RemotePeer = { url: `${http.url}/mcp`, token, instead: null, stop: () => http.stop() }
  return peer
}

function answer({ method, params }: Rpc): unknown {
  if (method === 'initialize')
    return {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'elsewhere', version: '3.2.1' },
    }
  if (method === 'tools/list')
    return { tools: [{ name: 'echo', inputSchema: { type: 'object', properties: {} } }] }
  return { content: [{ type: 'text', text: `Elsewhere: ${params?.arguments?.message}` }] }
}
