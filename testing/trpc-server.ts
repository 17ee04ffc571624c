import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

export interface TrpcServer {
  url: string
  /** Path and query of every request so far. */
  requests: string[]
  /** Number of requests that are being answered. */
  open(): number
  /** Cuts every open connection, as a proxy that restarts does. The next request is served again. */
  drop(): void
  close(): Promise<void>
}

/** The tRPC API on a free loopback port, without Next around it. Needs the environment of `useTestEnvironment`. */
export async function startTrpcServer(): Promise<TrpcServer> {
  const { handleTrpc } = await import('#server/trpc/handle.ts')
  const requests: string[] = []
  const answering = new Set<ServerResponse>()
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming.url ?? '')
    answering.add(outgoing)
    outgoing.on('close', () => answering.delete(outgoing))
    void serve(handleTrpc, incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    open: () => answering.size,
    drop: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  handle: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
  const response = await handle(
    new Request(new URL(incoming.url ?? '/', `http://${incoming.headers.host}`), {
      method: incoming.method ?? 'GET',
      headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
      signal: gone.signal,
      ...(hasBody && { body: Readable.toWeb(incoming) as BodyInit, duplex: 'half' }),
    }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (!response.body) return void outgoing.end()
  const body = Readable.fromWeb(response.body as ReadableStream)
  body.on('error', () => outgoing.destroy())
  outgoing.on('close', () => body.destroy())
  body.pipe(outgoing)
}
