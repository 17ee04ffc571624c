import { performance } from 'node:perf_hooks'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** Sessions that share the calls, as several programs of one agent would. */
const SESSIONS = 4
/** Calls under way at once; on a machine that cannot keep up the rate drops instead. */
const MAX_UNDER_WAY = 12
const TICK_MS = 10

export interface LoadResult {
  calls: number
  /** Calls a second over the whole time. */
  rate: number
  /** Milliseconds of every call that was answered properly. */
  times: number[]
  failed: unknown[]
}

/** An agent that calls `echo` of a server with a message that is different each time, so many times a second, until it is stopped. */
export async function startLoad(
  agent: { url: string; token: string },
  perSecond: number,
): Promise<{ stop(): Promise<LoadResult> }> {
  const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
  const clients = await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const client = new Client({ name: 'load', version: '1.0.0' })
      await client.connect(new StreamableHTTPClientTransport(new URL(agent.url), { requestInit }))
      return client
    }),
  )
  const name = (await clients[0]?.listTools())?.tools[0]?.name ?? ''
  const underWay = new Set<Promise<void>>()
  const times: number[] = []
  const failed: unknown[] = []
  let calls = 0

  async function call(message: string): Promise<void> {
    const startedAt = performance.now()
    try {
      const answer = await clients[calls % SESSIONS]?.callTool({ name, arguments: { message } })
      const [content] = (answer?.content ?? []) as { text?: string }[]
      if (answer?.isError || content?.text !== `Echo: ${message}`) failed.push(answer)
      else times.push(performance.now() - startedAt)
    } catch (error) {
      failed.push(error)
    }
  }

  const startedAt = performance.now()
  const tick = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * perSecond
    while (calls < due && underWay.size < MAX_UNDER_WAY) {
      const one = call(`call ${++calls}`).finally(() => underWay.delete(one))
      underWay.add(one)
    }
  }, TICK_MS)

  return {
    async stop() {
      clearInterval(tick)
      const seconds = (performance.now() - startedAt) / 1000
      await Promise.all(underWay)
      await Promise.all(clients.map((client) => client.close()))
      return { calls, rate: calls / seconds, times, failed }
    },
  }
}
