import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Agent } from 'undici'
import type { ProbeResult } from '#contracts/probe.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import { createSseRelay } from '#dtma/sse/sse-relay.ts'
import { AddressRefused, type AllowedRemotes } from '#mcp/address-guard.ts'
import { causesOf, classifyNetworkError } from '#mcp/errors.ts'
import { createGuardedConnector, createGuardedDispatcher } from '#mcp/guarded-dispatcher.ts'
import { probeMcp } from '#mcp/probe.ts'
import type { RelayRequest } from '#mcp/session-relay.ts'
import { SseRefused } from '#mcp/sse-channel.ts'
import { readBounded } from '#protocol/bounded-http.ts'
import { createRedactor } from '#protocol/redact.ts'
import { headerSecrets } from './header-secrets.ts'

/** What of a request is MCP's; anything else a caller sent stays here. */
const PASSED_ON = /^(?:accept|content-type|last-event-id|mcp-[a-z0-9-]+)$/
/** What of an answer is MCP's, or says when and how to come again; cookies are nobody's here. */
const PASSED_BACK = /^(?:content-type|cache-control|retry-after|www-authenticate|mcp-[a-z0-9-]+)$/
/** Of an answer with an error status; such texts are looked through for secrets, so they are not streamed. */
const MAX_ERROR_BYTES = 64 * 1024
const ERROR_BODY_MS = 10_000

/** An MCP server that runs elsewhere, reached from this toolbox. */
export type RemoteServer = {
  /** Passes a request on with the user's and the server's own headers, and its answer back as it comes. Throws AgentFailure UPSTREAM_FAILED. */
  handle(request: RelayRequest, response: ServerResponse): Promise<void>
  /** A whole handshake. Throws the signal's reason. */
  probe(options: { timeoutMs: number; signal: AbortSignal }): Promise<ProbeResult>
  /** Ends every connection. */
  close(): Promise<void>
}

/**
 * `headers` go to this URL's origin and nowhere else: redirects are not followed, and connections end at addresses that may be
 * called only. `onTrouble` is told when a call got no proper answer.
 */
export function createRemoteServer(options: {
  url: string
  headers: Record<string, string>
  transport: 'streamable-http' | 'sse'
  allowed: AllowedRemotes
  onTrouble(): void
}): RemoteServer {
  const url = new URL(options.url)
  const own = Object.fromEntries(
    Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const redactor = createRedactor(headerSecrets(own))
  const dispatcher: Agent = createGuardedDispatcher(options.allowed)
  const relay =
    options.transport === 'sse'
      ? createSseRelay({
          url,
          headers: own,
          dispatcher,
          wrap(error) {
            options.onTrouble()
            const said = error instanceof SseRefused ? error.message : unreachable(error)
            return new AgentFailure('UPSTREAM_FAILED', said)
          },
        })
      : null

  async function call(request: RelayRequest, signal: AbortSignal) {
    const { method, body } = request
    try {
      return await dispatcher.request({
        origin: url.origin,
        // Only the address that the admin gave: nothing that a caller says gets into it.
        path: url.pathname + url.search,
        method,
        headers: {
          ...pick(request.headers, PASSED_ON),
          'user-agent': 'toolberth',
          ...own,
          ...request.user.headers,
        },
        body: body.length > 0 || method === 'POST' ? body : null,
        signal,
      })
    } catch (error) {
      options.onTrouble()
      throw new AgentFailure('UPSTREAM_FAILED', unreachable(error))
    }
  }

  return {
    async handle(request, response) {
      if (relay !== null) return relay.handle(request, response)
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const answer = await call(request, gone.signal)
      const { statusCode: status, headers, body } = answer
      if (status >= 300 && status < 400) {
        body.destroy()
        options.onTrouble()
        throw new AgentFailure('UPSTREAM_FAILED', 'The remote server redirects, which is not followed.')
      }
      if (status === 401 || status === 403 || status >= 500) options.onTrouble()
      response.writeHead(status, pick(headers, PASSED_BACK))
      if (status >= 400) {
        const said = redactor.text(await errorText(body))
        response.end(createRedactor(headerSecrets(request.user.headers)).text(said))
        return
      }
      response.flushHeaders()
      await pipeline(body, response).catch(() => body.destroy())
    },
    probe: ({ timeoutMs, signal }) =>
      probeMcp({
        url: url.href,
        headers: own,
        transport: options.transport,
        connector: createGuardedConnector(options.allowed),
        timeoutMs,
        signal,
      }),
    close() {
      relay?.close('The remote server was stopped.')
      return dispatcher.destroy()
    },
  }
}

async function errorText(body: Readable): Promise<string> {
  try {
    const limits = { maxBytes: MAX_ERROR_BYTES, timeoutMs: ERROR_BODY_MS }
    return (await readBounded(body, limits)).toString()
  } catch {
    body.destroy()
    return ''
  }
}

function unreachable(error: unknown): string {
  const refused = [...causesOf(error)].find((cause) => cause instanceof AddressRefused)
  if (refused) return `The remote server may not be called: ${refused.message}`
  const code = classifyNetworkError(error)?.code
  return `The remote server did not answer${code === undefined ? '' : ` (${code})`}.`
}

function pick(headers: IncomingHttpHeaders, names: RegExp): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (typeof value === 'string' && names.test(name)) picked[name] = value
  return picked
}
