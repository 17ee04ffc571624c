import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import { ProbeFailureCode, ProbeResult } from '#contracts/probe.ts'
import { createIdentity } from '#protocol/identity.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { NO_ALLOWED_REMOTES, parseAllowedRemotes } from './address-guard.ts'
import { createGuardedConnector } from './guarded-dispatcher.ts'
import { type ProbeOptions, probeMcp } from './probe.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function peer(handler: RequestListener) {
  const made = await startHttpPeer(handler)
  open.push(() => made.stop())
  return made
}

async function failed(url: string, options: Partial<ProbeOptions> = {}) {
  const result = ProbeResult.parse(await probeMcp({ url, timeoutMs: 10_000, ...options }))
  if (result.ok) throw new Error('The probe passed.')
  return result.failure
}

it('every verdict has its text and next action', () => {
  for (const code of ProbeFailureCode.options) {
    expect(ERROR_CATALOGUE[code].text).toBeTruthy()
    expect(ERROR_CATALOGUE[code].action).toBeTruthy()
  }
})

describe('a path where nothing is', () => {
  const at = (path: string) => {
    const { listener } = mcpPeer(answerParams)
    return peer((request, response) =>
      request.url === path ? listener(request, response) : void response.writeHead(404).end(),
    )
  }

  it.each(['/mcp', '/'])('is answered with %s, where MCP is spoken', async (path) => {
    const { url } = await at(path)
    const failure = await failed(`${url}/elsewhere?key=secret`)
    expect(failure).toMatchObject({
      code: 'ENDPOINT_NOT_FOUND',
      works: { url: `${url}${path}`, transport: 'streamable-http' },
    })
    expect(failure.message).toContain(`It does speak MCP at ${url}${path}.`)
  })

  it('that redirects within its host is answered with where it leads', async () => {
    const { listener } = mcpPeer(answerParams)
    const { url } = await peer((request, response) =>
      request.url === '/api/'
        ? listener(request, response)
        : void response.writeHead(307, { location: '/api/' }).end(),
    )
    expect(await failed(`${url}/api`)).toMatchObject({
      code: 'ENDPOINT_NOT_FOUND',
      httpStatus: 307,
      works: { url: `${url}/api/` },
    })
  })

  it('is not looked for where requests are passed on by another', async () => {
    const asked: string[] = []
    const { url } = await peer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(404).end()
    })
    expect((await failed(`${url}/v1/instances/a/mcp`, { direct: false })).works).toBeUndefined()
    expect(new Set(asked)).toEqual(new Set(['/v1/instances/a/mcp']))
  })
})

describe('credentials', () => {
  const RESOURCE = '/.well-known/oauth-protected-resource'

  it('are named with who issues them, by the metadata that the server names', async () => {
    const sent: unknown[] = []
    const { url, port } = await peer((request, response) => {
      if (request.url !== RESOURCE)
        return void response
          .writeHead(401, {
            'www-authenticate': `Bearer realm="the \\"sea\\"", scope="read write", resource_metadata="http://127.0.0.1:${port}${RESOURCE}"`,
          })
          .end()
      sent.push(request.headers.authorization)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ authorization_servers: ['https://login.example'], scopes_supported: ['read'] }),
      )
    })
    const failure = await failed(`${url}/mcp`, { headers: { authorization: 'Bearer wrong' } })
    expect(failure).toMatchObject({
      code: 'AUTH_REQUIRED',
      httpStatus: 401,
      auth: {
        scheme: 'Bearer',
        realm: 'the "sea"',
        scope: 'read write',
        authorizationServers: ['https://login.example'],
        scopesSupported: ['read'],
      },
    })
    expect(failure.message).toContain('https://login.example')
    expect(sent).toEqual([undefined])
  })

  it('are asked for within bounds, however much is said', async () => {
    const { url } = await peer((_request, response) => {
      response.writeHead(403, { 'www-authenticate': `Basic realm="${'x'.repeat(12_000)}"` }).end()
    })
    const failure = await failed(`${url}/mcp`)
    expect(failure).toMatchObject({ code: 'SERVER_FORBIDS', auth: { scheme: 'Basic' } })
    expect(JSON.stringify(failure).length).toBeLessThan(3000)
  })

  it('metadata at an address that may not be called are not fetched', async () => {
    let fetched = 0
    const inside = await peer((_request, response) => {
      fetched++
      response.end('{"authorization_servers":["https://evil.example"]}')
    })
    const { url } = await peer((_request, response) => {
      const metadata = `resource_metadata="http://127.0.0.2:${inside.port}/"`
      response.writeHead(401, { 'www-authenticate': `Bearer ${metadata}` }).end()
    })
    const guarded = createGuardedConnector(parseAllowedRemotes('127.0.0.1'))
    const failure = await failed(`${url}/mcp`, { connector: guarded })
    expect(failure).toMatchObject({ code: 'AUTH_REQUIRED', auth: { scheme: 'Bearer' } })
    // Without a guard another host is not asked at all.
    await failed(`${url}/mcp`)
    expect([fetched, failure.auth?.authorizationServers]).toEqual([0, undefined])
  })
})

it('an address that may not be called is refused before anything is sent', async () => {
  let asked = 0
  const { url } = await peer((_request, response) => {
    asked++
    response.end()
  })
  const connector = createGuardedConnector(NO_ALLOWED_REMOTES)
  const failure = await failed(`${url}/mcp`, { connector })
  expect(failure).toMatchObject({ code: 'REMOTE_ADDRESS_REFUSED', stage: 'connect', definitive: true })
  const named = await failed(`${url.replace('127.0.0.1', 'localhost')}/mcp`, { connector })
  expect(named).toMatchObject({ code: 'REMOTE_ADDRESS_REFUSED', stage: 'resolve' })
  expect(named.message).toContain('localhost resolves to')
  expect(asked).toBe(0)
})

it('MCP under a type that no client reads is told from no MCP', async () => {
  const { url } = await peer((_request, response) => {
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {} }
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 0, result }))
  })
  expect(await failed(`${url}/mcp`)).toMatchObject({
    code: 'WRONG_CONTENT_TYPE',
    definitive: true,
    message: expect.stringContaining('"text/plain"'),
  })
})

it('says in words why there is no TLS', async () => {
  const { certificate, privateKey } = await createIdentity('localhost')
  const server = createServer({ cert: certificate, key: privateKey }, (_request, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  const { port } = server.address() as AddressInfo
  expect(await failed(`https://localhost:${port}/mcp`)).toMatchObject({
    code: 'TLS_FAILED',
    stage: 'tls',
    message: 'The server signed its certificate itself.',
  })
  const plain = await peer((_request, response) => response.end())
  expect((await failed(`https://127.0.0.1:${plain.port}/mcp`)).message).toContain('speaks no TLS')
})
