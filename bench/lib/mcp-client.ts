import { randomBytes } from 'node:crypto'
import { type HttpAnswer, type HttpConnection, openHttp } from './http-connection.ts'

/** How a client speaks to what is measured. */
export interface ClientTarget {
  port: number
  path: string
  /** `session`: streamable HTTP with `initialize`. `stateless`: 2026-07-28. `sse`: the older HTTP+SSE. */
  era: 'session' | 'stateless' | 'sse'
  /** The name under which the tool `echo` is called. */
  tool: string
  token?: string
  /** What it declares in a session; left out: nothing. */
  capabilities?: object
}

/** One agent with one connection. */
export interface McpClient {
  /** Calls the tool with a message that no other call has. Throws unless the answer is that call's own. */
  call(): Promise<void>
  list(): Promise<Record<string, unknown>>
  /** Opens the stream of the session, or that of `subscriptions/listen`, where there is one, and leaves it open. */
  listen(): Promise<void>
  close(): Promise<void>
  /** Goes away in the middle of whatever it does, without ending its session. */
  abandon(): void
}

const CLIENT_INFO = { name: 'bench', version: '1' }
const SESSION_VERSION = '2025-11-25'
const META = 'io.modelcontextprotocol/'
const LISTEN = 'subscriptions/listen'
const STATELESS_META = {
  [`${META}protocolVersion`]: '2026-07-28',
  [`${META}clientInfo`]: CLIENT_INFO,
  [`${META}clientCapabilities`]: {},
}
const initialize = ({ capabilities = {} }: ClientTarget) => ({
  protocolVersion: SESSION_VERSION,
  capabilities,
  clientInfo: CLIENT_INFO,
})

type Exchange = (id: number, method: string, params: object) => Promise<string>

export async function openClient(target: ClientTarget): Promise<McpClient> {
  const connection = await openHttp(target.port)
  const opened = target.era === 'sse' ? await overSse(target, connection) : await overHttp(target, connection)
  const name = randomBytes(6).toString('hex')
  let calls = 0
  return {
    async call() {
      const id = ++calls
      const message = `${name}-${id}`
      const text = await opened.exchange(id, 'tools/call', { name: target.tool, arguments: { message } })
      const answer = JSON.parse(text)
      if (answer.id !== id || answer.result?.content?.[0]?.text !== `Echo: ${message}`)
        throw new Error(`Not the answer to ${id} with ${message}: ${text.slice(0, 500)}`)
    },
    listen: () => opened.listen(),
    async list() {
      return JSON.parse(await opened.exchange(++calls, 'tools/list', {})).result
    },
    close: opened.close,
    abandon: () => opened.abandon(),
  }
}

/** Everything of a request's head but its length. */
function headOf(target: ClientTarget, path: string, method: string, more: Record<string, string>): string {
  const headers = {
    host: `127.0.0.1:${target.port}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(target.token && { authorization: `Bearer ${target.token}` }),
    ...more,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}`
}

async function overHttp(target: ClientTarget, connection: HttpConnection) {
  const rpc = (id: number | undefined, method: string, params?: object) =>
    JSON.stringify({ jsonrpc: '2.0', id, method, params })
  if (target.era === 'stateless') {
    const heads = new Map(
      ['tools/call', 'tools/list', LISTEN].map((method) => [
        method,
        headOf(target, target.path, 'POST', {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(method === 'tools/call' && { 'mcp-name': target.tool }),
        }),
      ]),
    )
    const exchange: Exchange = async (id, method, params) =>
      jsonOf(
        await connection.send(heads.get(method) ?? '', rpc(id, method, { ...params, _meta: STATELESS_META })),
      )
    let stream: HttpConnection | null = null
    const close = () => {
      connection.close()
      stream?.close()
    }
    return {
      exchange,
      async listen() {
        stream = await openHttp(target.port)
        const params = { notifications: { toolsListChanged: true }, _meta: STATELESS_META }
        stream.send(heads.get(LISTEN) ?? '', rpc(0, LISTEN, params), () => {}).catch(() => {})
      },
      abandon: close,
      close: async () => close(),
    }
  }
  const first = await connection.send(
    headOf(target, target.path, 'POST', {}),
    rpc(0, 'initialize', initialize(target)),
  )
  const { protocolVersion } = JSON.parse(jsonOf(first)).result
  const session = first.headers.get('mcp-session-id')
  const headers = { 'mcp-protocol-version': protocolVersion, ...(session && { 'mcp-session-id': session }) }
  const head = headOf(target, target.path, 'POST', headers)
  await connection.send(head, rpc(undefined, 'notifications/initialized'))
  const exchange: Exchange = async (id, method, params) =>
    jsonOf(await connection.send(head, rpc(id, method, params)))
  let stream: HttpConnection | null = null
  return {
    exchange,
    async listen() {
      stream = await openHttp(target.port)
      const head = headOf(target, target.path, 'GET', { ...headers, accept: 'text/event-stream' })
      stream.send(head, '', () => {}).catch(() => {})
    },
    abandon() {
      connection.close()
      stream?.close()
    },
    async close() {
      await connection.send(headOf(target, target.path, 'DELETE', headers)).catch(() => {})
      connection.close()
    },
  }
}

/** The stream of answers is one connection, the messages go over another. */
async function overSse(target: ClientTarget, stream: HttpConnection) {
  const answers = new Map<number, (text: string) => void>()
  const endpoint = Promise.withResolvers<string>()
  let rest = ''
  void stream
    .send(headOf(target, target.path, 'GET', { accept: 'text/event-stream' }), '', (text) => {
      const events = (rest + text).split(/\r?\n\r?\n/)
      rest = events.pop() ?? ''
      for (const event of events) {
        const data = dataOf(event)
        if (event.includes('event: endpoint')) endpoint.resolve(data)
        else if (data.startsWith('{')) {
          const { id } = JSON.parse(data)
          answers.get(id)?.(data)
          answers.delete(id)
        }
      }
    })
    .catch(endpoint.reject)
  const path = await endpoint.promise
  const connection = await openHttp(target.port)
  const head = headOf(target, path, 'POST', {})
  const exchange: Exchange = async (id, method, params) => {
    const answer = new Promise<string>((resolve) => answers.set(id, resolve))
    const { status, body } = await connection.send(
      head,
      JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    )
    if (status > 299) throw new Error(`${status} ${body.slice(0, 300)}`)
    return answer
  }
  await exchange(0, 'initialize', initialize(target))
  await connection.send(head, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  return {
    exchange,
    listen: async () => {},
    abandon() {
      connection.close()
      stream.close()
    },
    async close() {
      connection.close()
      stream.close()
    },
  }
}

function jsonOf({ status, headers, body }: HttpAnswer): string {
  if (status !== 200) throw new Error(`${status} ${body.slice(0, 500)}`)
  if (!headers.get('content-type')?.startsWith('text/event-stream')) return body
  // The last event is the answer; before it there may be an empty one.
  const events = body.split(/\r?\n\r?\n/).filter((event) => dataOf(event) !== '')
  return dataOf(events.at(-1) ?? '')
}

function dataOf(event: string): string {
  return event
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n')
}
