import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '#protocol/identity.ts'
import { answerTo } from './static-answer.mjs'

// An MCP server over streamable HTTP that does as little as it can, twice: plain on loopback, and as a toolbox would serve it, over mutual
// TLS. Its first line tells where. `slow` in the path answers after ten seconds.

const SLOW_MS = 10_000
const identity = await createIdentity('toolbox')

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    response.writeHead(request.method === 'DELETE' ? 204 : 405).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const message = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const answer = answerTo(message)
    const send = () => {
      if (answer === undefined) {
        response.writeHead(202).end()
        return
      }
      const text = JSON.stringify(answer)
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        ...(message.method === 'initialize' && { 'mcp-session-id': 'static' }),
      })
      response.end(text)
    }
    if (request.url?.includes('slow')) setTimeout(send, SLOW_MS)
    else send()
  })
}

const keepAlive = { keepAliveTimeout: 600_000 }
const plain = createServer(keepAlive, serve).listen(0, '127.0.0.1')
const tls = createTlsServer(
  {
    ...keepAlive,
    cert: identity.certificate,
    key: identity.privateKey,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
  },
  serve,
).listen(0, '127.0.0.1')
await Promise.all([plain, tls].map((server) => new Promise((resolve) => server.once('listening', resolve))))
process.stdout.write(
  `${JSON.stringify({
    port: (plain.address() as AddressInfo).port,
    tlsPort: (tls.address() as AddressInfo).port,
    certificate: identity.certificate,
  })}\n`,
)
