import { spawn } from 'node:child_process'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { openLocalHttp } from '#dtma/http/local-http.ts'
import { proxyMcp } from '#dtma/http/proxy-mcp.ts'
import type { McpTarget } from '#dtma/instances/runner-types.ts'
import { CLIENT_INFO } from '#mcp/client-info.ts'
import { createStdioBridge } from '#mcp/stdio-bridge.ts'
import { createIdentity } from '#protocol/identity.ts'

// The MCP side of a toolbox's agent: mutual TLS, the agent's own proxy and stdio bridge, and nothing else of it.
// Arguments: `name=stdio` for the static server as a child, `name=http://127.0.0.1:PORT/path` for a server that runs.
// Instances are told apart by the end of their path, `/name/v1/instances/{id}/mcp`.

const STDIO = fileURLToPath(new URL('./static-stdio.mjs', import.meta.url))
const identity = await createIdentity('toolbox')

async function open(place: string): Promise<McpTarget> {
  if (place !== 'stdio') {
    const { hostname, port, pathname } = new URL(place)
    return openLocalHttp({ host: hostname, port: Number(port), path: pathname }, new AbortController().signal)
  }
  const child = spawn(process.execPath, [STDIO], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { stdin, stdout } = child
  const bridge = createStdioBridge({ stdin, stdout, clientInfo: CLIENT_INFO, onChatter: () => {} })
  await bridge.initialize(10_000)
  return { kind: 'bridge', bridge }
}

const targets = new Map<string, McpTarget>()
for (const argument of process.argv.slice(2)) {
  const [name = '', ...place] = argument.split('=')
  targets.set(name, await open(place.join('=')))
}

const server = createServer(
  {
    cert: identity.certificate,
    key: identity.privateKey,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
    keepAliveTimeout: Number(process.env.KEEP_ALIVE_MS ?? 65_000),
  },
  (request, response) => {
    const target = targets.get(request.url?.split('/')[1] ?? '')
    if (target === undefined) {
      response.writeHead(404).end()
      return
    }
    request.url = `/mcp`
    proxyMcp(target, request, response).catch(() => response.destroy())
  },
).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ port, certificate: identity.certificate })}\n`)
})
