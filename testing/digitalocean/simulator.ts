import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AccountOptions, type Answer, createAccount } from './account.ts'
import { loadDescription } from './description.ts'
import { createFaults, type Faults } from './faults.ts'

export type Simulator = Omit<ReturnType<typeof createAccount>, 'handle'> & {
  url: string
  token: string
  /** From now on no token is accepted, or this one is again. */
  acceptToken(accepted: boolean): void
  faults: Faults
  /** `METHOD /path` of every request so far. */
  requests: string[]
  /** What was wrong with requests and answers, by DigitalOcean's description. */
  problems: string[]
  /** Takes everything away and forgets faults, requests and problems. */
  reset(): void
  close(): Promise<void>
}

export const SIMULATOR_TOKEN = `dop_v1_${'0123456789abcdef'.repeat(4)}`

/** DigitalOcean's API on a free loopback port, with a state of its own. Every exchange is checked against the description. */
export async function startSimulator(options: AccountOptions = {}): Promise<Simulator> {
  const check = await loadDescription()
  const faults = createFaults()
  const requests: string[] = []
  const problems: string[] = []
  let url = ''
  let accepted = true
  const account = createAccount(() => url, options)

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pathname: path, searchParams } = new URL(incoming.url ?? '/', 'http://simulator')
    const method = incoming.method ?? 'GET'
    const query = Object.fromEntries(searchParams)
    const text = await readText(incoming)
    requests.push(`${method} ${path}`)
    const fault = faults.next({ method, path })
    const cut = () => void incoming.socket.destroy()
    if (fault === 'refuse') return cut()
    if (fault === 'hold-before') await faults.hold()
    const body: unknown = text ? JSON.parse(text) : undefined
    const answer = answerTo(fault === 'error-before' || fault === 'limit' ? fault : null, () => {
      if (!accepted || incoming.headers.authorization !== `Bearer ${SIMULATOR_TOKEN}`)
        return { status: 401, body: { id: 'unauthorized', message: 'Unable to authenticate you' } }
      return account.handle(method, path, query, body)
    })
    problems.push(
      ...(check?.({ method, path, query, body, status: answer.status, answer: answer.body }) ?? []),
    )
    if (fault === 'drop') return cut()
    if (fault === 'hold-after') await faults.hold()
    const sent = fault === 'error-after' ? answerTo('error-before', () => answer) : answer
    outgoing.writeHead(sent.status, {
      'content-type': 'application/json',
      'ratelimit-limit': '5000',
      'ratelimit-remaining': '4999',
      ...(sent.status === 429 && { 'retry-after': '1' }),
    })
    outgoing.end(sent.body === null ? '' : JSON.stringify(sent.body))
  }

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: Error) => {
      problems.push(String(error.stack))
      outgoing.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const { handle: _handle, ...state } = account
  return {
    ...state,
    url,
    token: SIMULATOR_TOKEN,
    acceptToken(next) {
      accepted = next
    },
    faults,
    requests,
    problems,
    reset() {
      faults.clear()
      faults.letGo()
      account.droplets.clear()
      account.firewalls.clear()
      account.setFate('boots')
      accepted = true
      account.whenBooted(() => undefined)
      requests.length = 0
      problems.length = 0
    },
    async close() {
      faults.letGo()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerTo(fault: 'error-before' | 'limit' | null, work: () => Answer): Answer {
  if (fault === 'error-before')
    return { status: 500, body: { id: 'server_error', message: 'Unexpected server-side error' } }
  if (fault === 'limit')
    return { status: 429, body: { id: 'too_many_requests', message: 'API Rate limit exceeded.' } }
  return work()
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
