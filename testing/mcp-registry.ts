import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface McpRegistry {
  url: string
  /** Path and query of every request so far. */
  requests: string[]
  /** Answers everything with this status and text from now on; null: as a registry does. */
  answerWith(answer: { status: number; text: string } | null): void
  close(): Promise<void>
}

interface Document {
  name: string
  version: string
}

/** The part of the registry's API (v0.1) that is asked: list with search and pages of two, and one version of a server. */
export async function startMcpRegistry(documents: readonly Document[]): Promise<McpRegistry> {
  const requests: string[] = []
  let forced: { status: number; text: string } | null = null
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    const answer = forced ?? answerTo(new URL(request.url ?? '/', 'http://localhost'), documents)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerWith: (answer) => {
      forced = answer
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerTo(url: URL, documents: readonly Document[]): { status: number; text: string } {
  const wrap = (server: Document) => ({
    server,
    _meta: { 'io.modelcontextprotocol.registry/official': { status: 'active', isLatest: true } },
  })
  if (url.pathname === '/v0.1/servers') {
    const found = documents.filter(({ name }) => name.includes(url.searchParams.get('search') ?? ''))
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const page = found.slice(from, from + 2)
    const metadata = { count: page.length, ...(found.length > from + 2 && { nextCursor: String(from + 2) }) }
    return { status: 200, text: JSON.stringify({ servers: page.map(wrap), metadata }) }
  }
  const [, name = '', version = ''] =
    /^\/v0\.1\/servers\/([^/]+)\/versions\/([^/]+)$/.exec(url.pathname) ?? []
  const found = documents.find(
    (one) => one.name === decodeURIComponent(name) && (version === 'latest' || one.version === version),
  )
  if (!found) return { status: 404, text: '{"title":"Not Found","status":404}' }
  return { status: 200, text: JSON.stringify(wrap(found)) }
}
