import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'

/** An answer to one JSON-RPC message: HTTP status (200), content type (JSON), body (text, or what is serialised). */
export type RpcAnswer = { status?: number; type?: string; body?: unknown; headers?: Record<string, string> }
export type Rpc = { id?: number; method: string; params?: Record<string, unknown> }
type Peer = { port: number; url: string; stop(): Promise<void> }

/** A loopback peer that answers every HTTP request with `handler`. */
export function startHttpPeer(handler: RequestListener): Promise<Peer> {
  return listen(createHttpServer(handler))
}

/** A loopback peer below HTTP. */
export function startTcpPeer(onSocket: (socket: Socket) => void): Promise<Peer> {
  return listen(createTcpServer(onSocket))
}

/** A peer that reads JSON-RPC and answers POSTs with what `answer` says (null: never); GET gets 405. `seen`: methods, in order. */
export async function startRpcPeer(
  answer: (message: Rpc) => RpcAnswer | null,
): Promise<Peer & { seen: string[] }> {
  const seen: string[] = []
  const peer = await startHttpPeer((request, response) => {
    if (request.method !== 'POST') {
      seen.push(request.method ?? '')
      response.writeHead(request.method === 'DELETE' ? 200 : 405).end()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Rpc
      seen.push(message.method)
      const said = answer(message)
      if (said === null) return
      const { status = 200, type = 'application/json', body, headers } = said
      response.writeHead(status, { 'content-type': type, ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  return { ...peer, url: `${peer.url}/mcp`, seen }
}

async function listen(server: Server): Promise<Peer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
