import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { createSseParser } from '#mcp/sse.ts'
import { envelopeOf, STATELESS_VERSION } from '#mcp/stateless.ts'
import { connectAgent } from './connect-user.ts'

/** One message by the members that tests look at. */
export interface Heard {
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
}

/** An agent with a session: `heard` grows by what it is told unasked. */
export async function listenWithSession(agent: {
  url: string
  token: string
}): Promise<{ mcp: Client; heard: Heard[] }> {
  const heard: Heard[] = []
  const mcp = await connectAgent(agent)
  mcp.fallbackNotificationHandler = async (message) => void heard.push(message)
  return { mcp, heard }
}

/** The same without one, by `subscriptions/listen`. */
export async function listenStateless(
  { url, token }: { url: string; token: string },
  notifications: object,
): Promise<{ heard: Heard[]; ended: Promise<void> }> {
  const heard: Heard[] = []
  const method = 'subscriptions/listen'
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': STATELESS_VERSION,
      'mcp-method': method,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'listening',
      method,
      params: { notifications, _meta: envelopeOf({}) },
    }),
  })
  async function read(): Promise<void> {
    const parser = createSseParser({ maxEventChars: 1_000_000 })
    const decoder = new TextDecoder()
    for await (const chunk of response.body as AsyncIterable<Uint8Array>)
      for (const { data } of parser.push(decoder.decode(chunk, { stream: true })))
        heard.push(JSON.parse(data) as Heard)
  }
  return { heard, ended: read() }
}
