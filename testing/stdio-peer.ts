/** A stdio server for tests of the bridge: raw JSON-RPC, so that it can also do what no SDK would. Run as a process. */
import { createInterface } from 'node:readline'

type Params = {
  value?: unknown
  delayMs?: number
  length?: number
  _meta?: { progressToken?: unknown }
}
type Message = {
  id?: unknown
  method?: string
  params?: Params
  result?: unknown
  error?: unknown
}

const version = process.argv[2] ?? '2025-11-25'
/** Of the stateless era, and no other. */
const stateless = version === '2026-07-28'
const seen: Message[] = []
let subscription: unknown
const answers: Message[] = []

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

const ofSubscription = () => ({ 'io.modelcontextprotocol/subscriptionId': subscription })

const methods: Record<string, (message: Message) => unknown> = {
  initialize: () => ({
    protocolVersion: version,
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    serverInfo: { name: 'peer', version: '1.0.0' },
    instructions: 'Be kind.',
  }),
  'server/discover': () => ({
    supportedVersions: [version],
    capabilities: { tools: {} },
    resultType: 'complete',
  }),
  'subscriptions/listen': ({ id }) => {
    subscription = id
    send({ method: 'notifications/subscriptions/acknowledged', params: { _meta: ofSubscription() } })
    return new Promise(() => {})
  },
  ping: () => ({}),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
  'test/seen': () => ({ seen }),
  'test/echo': async ({ params }) => {
    await new Promise((resolve) => setTimeout(resolve, params?.delayMs ?? 0))
    return { value: params?.value, meta: params?._meta ?? null }
  },
  'test/progress': ({ params }) => {
    for (let progress = 1; progress <= 3; progress++) {
      send({
        method: 'notifications/progress',
        params: { progressToken: params?._meta?.progressToken, progress, total: 3 },
      })
    }
    return { done: true }
  },
  'test/ask': async () => {
    send({ id: 'roots-1', method: 'roots/list' })
    send({ id: 'ping-1', method: 'ping' })
    while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    return { answers }
  },
  'test/hang': () => new Promise(() => {}),
  'test/long': ({ params }) => ({ text: 'x'.repeat(params?.length ?? 0) }),
  'test/exit': () => process.exit(7),
  'test/chatter': () => {
    process.stdout.write('Listening on nothing.\n{"half":\n')
    return {}
  },
  'test/change': () => {
    send({
      method: 'notifications/tools/list_changed',
      ...(stateless && { params: { _meta: ofSubscription() } }),
    })
    send({ method: 'notifications/message', params: { level: 'info', data: "somebody's" } })
    send({ method: 'notifications/resources/updated', params: { uri: 'test://one' } })
    return {}
  },
}

async function receive(message: Message): Promise<void> {
  if (message.method === undefined) {
    answers.push(message)
    return
  }
  seen.push(message)
  if (message.id === undefined) return
  const otherEra = message.method === (stateless ? 'initialize' : 'server/discover')
  const method = otherEra ? undefined : methods[message.method]
  if (method === undefined) send({ id: message.id, error: { code: -32601, message: 'Unknown method.' } })
  else send({ result: await method(message), id: message.id })
}

createInterface({ input: process.stdin }).on('line', (line) => void receive(JSON.parse(line) as Message))
