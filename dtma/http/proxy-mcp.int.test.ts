import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { openLocalHttp } from './local-http.ts'
import { proxyMcp } from './proxy-mcp.ts'
import { sendFailure } from './respond.ts'

const servers: Server[] = []
let life = new AbortController()
afterEach(() => {
  life.abort()
  life = new AbortController()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** An MCP server behind the toolbox's proxy: `sockets` are the connections that reached it. */
async function proxied(listener: RequestListener) {
  const sockets: Socket[] = []
  const { server, port } = await serve(listener)
  server.on('connection', (socket) => sockets.push(socket))
  const target = openLocalHttp({ host: '127.0.0.1', port, path: '/mcp' }, life.signal)
  const proxy = await serve((request, response) => {
    proxyMcp(target, request, response).catch((error: unknown) => sendFailure(response, error))
  })
  const url = `http://127.0.0.1:${proxy.port}/`
  const post = async (body = '{}') => {
    const answer = await fetch(url, { method: 'POST', body })
    return [answer.status, await answer.text()]
  }
  return { url, sockets, post }
}

const echo: RequestListener = (request, response) => void request.pipe(response)

it('uses a connection again, ends one that idles, and all with the instance', async () => {
  const { post, sockets } = await proxied(echo)
  for (let call = 0; call < 10; call++) expect(await post(`${call}`)).toEqual([200, `${call}`])
  expect(sockets).toHaveLength(1)
  // Before the server would: Node keeps one for five seconds.
  await vi.waitFor(() => expect(sockets[0]?.destroyed).toBe(true), 4500)
  await Promise.all([post(), post(), post()])
  expect(sockets).toHaveLength(4)
  life.abort()
  await vi.waitFor(() => expect(sockets.every(({ destroyed }) => destroyed)).toBe(true), 10_000)
})

it('waits for a server that thinks for longer than a connection may idle', async () => {
  const { post, sockets } = await proxied((_request, response) => {
    setTimeout(() => response.end('late'), 2500)
  })
  expect(await post()).toEqual([200, 'late'])
  expect(sockets).toHaveLength(1)
})

it('fails no call of a server that ends each connection without saying so', async () => {
  const { post } = await proxied((request, response) => {
    request.resume()
    response.end('ok', () => request.socket.end())
  })
  for (let call = 0; call < 20; call++) expect(await post()).toEqual([200, 'ok'])
})

it('sends again what may be run twice when a connection that had served ends, and a call never', async () => {
  const seen: string[] = []
  const { url, post } = await proxied((request, response) => {
    request.resume()
    seen.push(request.method ?? '')
    const first = seen.filter((method) => method === request.method).length === 1
    // Its first request finds a good connection, and that of each other method an end.
    if (seen.length > 1 && first) request.socket.destroy()
    else response.end('ok')
  })
  expect(await post()).toEqual([200, 'ok'])
  expect(await (await fetch(url, { method: 'DELETE' })).text()).toBe('ok')
  expect(seen).toEqual(['POST', 'DELETE', 'DELETE'])
  seen.splice(0, seen.length, 'GET')
  const failed = await post()
  expect(failed).toEqual([502, expect.stringContaining('UPSTREAM_FAILED')])
  expect(seen).toEqual(['GET', 'POST'])
})

it('gives up the connection of a client that leaves in the middle of a stream', async () => {
  const { url, sockets } = await proxied((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': open\n\n')
  })
  const leaving = new AbortController()
  const answer = await fetch(url, { method: 'POST', body: '{}', signal: leaving.signal })
  expect(answer.status).toBe(200)
  leaving.abort()
  await vi.waitFor(() => expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]), 10_000)
})
