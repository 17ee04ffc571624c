import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import {
  type AgentError,
  CLOCK_TOLERANCE_SECONDS,
  EnrollRequest,
  Heartbeat,
  type InstanceAssignment,
} from '#contracts/dtma.ts'
import { parseJson, readBounded } from '#protocol/bounded-http.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { createPinnedDispatcher } from '#protocol/pinned-dispatcher.ts'
import { verifyRequest } from '#protocol/signing.ts'

export type ControlPlaneStandIn = {
  url: string
  toolboxId: string
  /** The enrolment token that is valid now. */
  token(): string
  /** Forgets the agent, as after the loss of a database, and makes a new token for the same toolbox. */
  forget(): void
  worker: Identity
  gateway: Identity
  /** Certificate that the agent enrolled with; null before. */
  agentCertificate(): string | null
  /** What heartbeats are answered with, and what `GET /api/dtma/instances/{id}` gives. */
  assignments: Map<string, InstanceAssignment>
  heartbeats: Heartbeat[]
  /** Bytes by path, for anybody. */
  downloads: Map<string, Buffer>
  /** Paths and refusals, in order. */
  seen: { path: string; refused: string | null }[]
  /** Shifts this side's clock, in milliseconds. */
  setClock(offsetMs: number): void
  /** While true every request is refused with 503. */
  setDown(down: boolean): void
  nextHeartbeat(matches: (heartbeat: Heartbeat) => boolean, timeoutMs?: number): Promise<Heartbeat>
  stop(): Promise<void>
}

/** The agents' ingress as the agent protocol has it, with nothing behind it; it dials the agent back before it accepts. */
export async function startControlPlaneStandIn(
  options: { port?: number } = {},
): Promise<ControlPlaneStandIn> {
  const toolboxId = crypto.randomUUID()
  const installationId = crypto.randomUUID()
  let token = createHash('sha256').update(toolboxId).digest('hex')
  const [worker, gateway] = [await createIdentity('worker'), await createIdentity('gateway')]
  const assignments: ControlPlaneStandIn['assignments'] = new Map()
  const heartbeats: Heartbeat[] = []
  const downloads: ControlPlaneStandIn['downloads'] = new Map()
  const seen: ControlPlaneStandIn['seen'] = []
  const nonces = new Set<string>()
  const watchers = new Set<() => void>()
  let certificate: string | null = null
  let tokenUsed = false
  let clockOffset = 0
  let down = false
  const now = () => new Date(Date.now() + clockOffset)

  async function enroll(body: Buffer): Promise<unknown> {
    const wish = parseJson(body, EnrollRequest)
    if (wish.token !== token || (tokenUsed && wish.certificate !== certificate)) {
      throw new Refusal(401, 'ENROLLMENT_INVALID', 'This token is not valid.')
    }
    const dispatcher = createPinnedDispatcher({ serverCertificate: wish.certificate, clientIdentity: worker })
    try {
      const answer = await request(`${wish.advertisedUrl}/healthz`, { dispatcher })
      await answer.body.dump()
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
    } catch (error) {
      throw new Refusal(502, 'UPSTREAM_FAILED', `${wish.advertisedUrl}: ${(error as Error).message}`)
    } finally {
      await dispatcher.destroy()
    }
    certificate = wish.certificate
    tokenUsed = true
    return {
      toolboxId,
      installationId,
      protocolVersion: 1,
      heartbeatSeconds: 2,
      clients: { worker: worker.certificate, gateway: gateway.certificate },
    }
  }

  function verify(incoming: IncomingMessage, body: Buffer): void {
    if (certificate === null) throw new Refusal(401, 'UNAUTHORIZED', 'Unknown toolbox.')
    const verdict = verifyRequest({
      certificate,
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      body,
      headers: incoming.headers,
      now: now(),
      toleranceSeconds: CLOCK_TOLERANCE_SECONDS,
    })
    if (!verdict.ok) {
      const code = verdict.reason === 'time' ? 'CLOCK_SKEW' : 'UNAUTHORIZED'
      throw new Refusal(401, code, `Refused: ${verdict.reason}.`, now().toISOString())
    }
    if (nonces.has(verdict.nonce)) throw new Refusal(401, 'UNAUTHORIZED', 'Replayed.')
    nonces.add(verdict.nonce)
  }

  async function answer(incoming: IncomingMessage): Promise<unknown> {
    const path = incoming.url ?? ''
    const body = await readBounded(incoming, { maxBytes: 8 * 1024 * 1024, timeoutMs: 5_000 })
    if (down) throw new Refusal(503, 'BUSY', 'Down for the test.')
    if (path === '/api/dtma/enroll') return enroll(body)
    verify(incoming, body)
    if (path === '/api/dtma/heartbeat') {
      heartbeats.push(parseJson(body, Heartbeat))
      for (const watcher of watchers) watcher()
      return {
        instances: [...assignments.values()].map(({ id, desired, fence, restartNonce }) => ({
          id,
          desired,
          fence,
          restartNonce,
        })),
      }
    }
    const assignment = assignments.get(/^\/api\/dtma\/instances\/(.+)$/.exec(path)?.[1] ?? '')
    if (assignment === undefined) throw new Refusal(404, 'NOT_FOUND', 'No such instance.')
    return assignment
  }

  const server = createServer((incoming, outgoing) => {
    const file = downloads.get(incoming.url ?? '')
    if (file !== undefined) {
      outgoing.end(file)
      return
    }
    answer(incoming).then(
      (value) => {
        seen.push({ path: incoming.url ?? '', refused: null })
        send(outgoing, 200, value)
      },
      (error) => {
        const refusal = error instanceof Refusal ? error : new Refusal(400, 'BAD_REQUEST', String(error))
        seen.push({ path: incoming.url ?? '', refused: refusal.body.error.code })
        send(outgoing, refusal.status, refusal.body)
      },
    )
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    toolboxId,
    token: () => token,
    forget() {
      certificate = null
      tokenUsed = false
      token = createHash('sha256').update(token).digest('hex')
    },
    worker,
    gateway,
    agentCertificate: () => certificate,
    assignments,
    heartbeats,
    downloads,
    seen,
    setClock(offsetMs) {
      clockOffset = offsetMs
    },
    setDown(value) {
      down = value
    },
    nextHeartbeat(matches, timeoutMs = 30_000) {
      let checked = heartbeats.length
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watcher)
          const last = JSON.stringify(heartbeats.at(-1)?.instances)
          reject(new Error(`No such heartbeat within ${timeoutMs} ms; the last one: ${last}`))
        }, timeoutMs)
        const watcher = () => {
          const found = heartbeats.slice(checked).find(matches)
          checked = heartbeats.length
          if (found === undefined) return
          clearTimeout(timer)
          watchers.delete(watcher)
          resolve(found)
        }
        watchers.add(watcher)
      })
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

class Refusal extends Error {
  readonly status: number
  readonly body: AgentError
  constructor(status: number, code: AgentError['error']['code'], message: string, serverTime?: string) {
    super(message)
    this.status = status
    this.body = { error: { code, message, ...(serverTime === undefined ? {} : { serverTime }) } }
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
