import { Agent, createServer, request as httpRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '#protocol/identity.ts'

// The least that a proxy in Node can do: pipes both ways over kept connections, reads nothing, checks nothing.
// Arguments: the target's origin. With https it shows a certificate, as a gateway does to a toolbox.

const target = new URL(process.argv[2] ?? '')
const tls = target.protocol === 'https:'
const identity = tls ? await createIdentity('gateway') : null
const agent = identity
  ? new TlsAgent({
      keepAlive: true,
      cert: identity.certificate,
      key: identity.privateKey,
      rejectUnauthorized: false,
    })
  : new Agent({ keepAlive: true })
const send = tls ? tlsRequest : httpRequest

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const passed = send(
    {
      host: target.hostname,
      port: target.port,
      path: request.url,
      method: request.method,
      headers: request.headers,
      agent,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  passed.on('error', () => response.destroy())
  request.pipe(passed)
}).listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
