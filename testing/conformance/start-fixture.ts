import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  localhostHostValidation,
  localhostOriginValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import { isLegacyRequest } from '@modelcontextprotocol/server'
import { createLegacyFixture } from './serve-legacy.ts'
import { createModernFixture } from './serve-modern.ts'

export type ConformanceFixture = { url: string; port: number; stop(): Promise<void> }

/**
 * A server with everything that the conformance suite asks of one, in both eras of MCP on one URL: 2026-07-28 by the SDK's second
 * version, sessions up to 2025-11-25 by its first, unless `stateless` or `sessions` is false. Listens on a free loopback port, or on that of a fixture that was stopped.
 */
export async function startConformanceFixture(
  port = 0,
  options: { sessions?: boolean; stateless?: boolean } = {},
): Promise<ConformanceFixture> {
  const modern = createModernFixture()
  const legacy = createLegacyFixture()
  const serveModern = toNodeHandler(modern)
  const allowsHost = localhostHostValidation()
  const allowsOrigin = localhostOriginValidation()

  const listener: RequestListener = (request, response) => {
    if (!allowsHost(request, response) || !allowsOrigin(request, response)) return
    if (request.url !== '/mcp') return void response.writeHead(404).end()
    void readJson(request)
      .then(async (body) => {
        const isLegacy =
          options.stateless === false ||
          ((options.sessions ?? true) && (await isLegacyRequest(await toWebRequest(request, body), body)))
        await (isLegacy ? legacy.handle(request, response, body) : serveModern(request, response, body))
      })
      .catch(() => response.destroy())
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    port: bound,
    async stop() {
      await Promise.all([modern.close(), legacy.close()])
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** undefined: no body, or none in JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
