import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { InstanceStatus } from '#contracts/instances.ts'
import { createIdentity } from '#protocol/identity.ts'
import { HOST } from '#testing/seeded.ts'

/** How the stand-in treats a request: as an agent would, not at all, by a cut connection, as one that has too much to do, or by a refusal. */
export type Manner = 'answers' | 'hangs' | 'cuts' | 'is busy' | 'refuses'

export interface AgentStandIn {
  address: { id: string; url: string; certificate: string }
  /** What comes from now on is treated so; a list is used up one by one before it. */
  behave(manner: Manner, first?: Manner[]): void
  /** Requests so far, and the most that were open at once. */
  count(): number
  peak(): number
  stop(): Promise<void>
}

/** The API of an agent as far as its status goes, over TLS with a key of its own; it lets everybody in. None of `instances` serves. */
export async function startAgentStandIn(
  toolboxId: string,
  instances: InstanceStatus[] = [],
): Promise<AgentStandIn> {
  const identity = await createIdentity('toolbox')
  const status = {
    toolboxId,
    agentVersion: '0.0.0',
    protocolVersion: 1,
    driver: 'process',
    isolation: 'none',
    bootId: 'boot',
    host: HOST,
    instances,
  }
  let manner: Manner = 'answers'
  let first: Manner[] = []
  let [seen, open, peak] = [0, 0, 0]

  function handle(request: IncomingMessage, response: ServerResponse): void {
    seen += 1
    peak = Math.max(peak, ++open)
    response.once('close', () => {
      open -= 1
    })
    switch (first.shift() ?? manner) {
      case 'answers':
        if (request.url?.endsWith('/mcp'))
          return answer(response, 503, { error: { code: 'NOT_RUNNING', message: 'It is backoff.' } })
        // Long enough for calls to meet, short enough to wait for.
        setTimeout(() => answer(response, 200, status), 10)
        return
      case 'cuts':
        request.socket.destroy()
        return
      case 'is busy':
        answer(response, 503, { error: { code: 'BUSY', message: 'Too much at once.' } })
        return
      case 'refuses':
        answer(response, 409, { error: { code: 'STALE_FENCE', message: 'Older.', fence: 9 } })
        return
      case 'hangs':
    }
  }

  const server = createServer(
    { cert: identity.certificate, key: identity.privateKey, requestCert: true, rejectUnauthorized: false },
    handle,
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: { id: toolboxId, url: `https://127.0.0.1:${port}`, certificate: identity.certificate },
    behave(next, before = []) {
      manner = next
      first = [...before]
    },
    count: () => seen,
    peak: () => peak,
    async stop() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
