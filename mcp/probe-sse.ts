import { CLIENT_INFO } from './client-info.ts'
import {
  isRpcFailure,
  RPC_METHOD_NOT_FOUND,
  type RpcMessage,
  type RpcParams,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
  rpcRequest,
  rpcResult,
} from './json-rpc.ts'
import { ProbeError } from './probe-error.ts'
import type { ProbeWay } from './probe-exchange.ts'
import type { ProbeSession } from './probe-session.ts'
import { refusalOf } from './probe-verdict.ts'
import { openSseChannel } from './sse-channel.ts'
import { isSessionVersion, LATEST_SESSION_VERSION } from './versions.ts'

/** A session over the HTTP+SSE transport of 2024-11-05. Throws what `openSseChannel` throws, and ProbeError. */
export async function sseSession(
  way: ProbeWay,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeSession> {
  const waiting = new Map<number, PromiseWithResolvers<RpcResponse>>()
  let closed: string | null = null
  let nextId = 1
  const opening = openSseChannel({
    url: way.url,
    headers: { ...way.headers },
    dispatcher: way.dispatcher,
    timeoutMs,
    onMessage: receive,
    onClose(reason) {
      closed = reason
      for (const { reject } of waiting.values()) reject(gone(reason))
    },
  })
  const channel = await orAborted(opening, signal).catch((error: unknown) => {
    void opening.then((late) => late.close()).catch(() => {})
    throw error
  })

  function receive(message: RpcMessage): void {
    if (!('method' in message)) {
      if (typeof message.id === 'number') waiting.get(message.id)?.resolve(message)
    } else if ('id' in message) {
      const { id, method } = message
      // A client without capabilities knows `ping` alone.
      const said =
        method === 'ping'
          ? rpcResult(id, {})
          : rpcFailure(id, RPC_METHOD_NOT_FOUND, 'This client does not offer it.')
      void channel.send(said).catch(() => {})
    }
  }

  async function ask(method: string, params: RpcParams, stop: AbortSignal, negotiating: boolean) {
    if (closed !== null) throw gone(closed)
    const id = nextId++
    const answer = Promise.withResolvers<RpcResponse>()
    answer.promise.catch(() => {})
    waiting.set(id, answer)
    try {
      await orAborted(channel.send(rpcRequest(id, method, params)), stop)
      const response = await orAborted(answer.promise, stop)
      if (!isRpcFailure(response)) return response.result
      const heard = { ...NOTHING_HEARD, response }
      throw new ProbeError({ ...refusalOf(heard, method, negotiating), httpStatus: undefined })
    } finally {
      waiting.delete(id)
    }
  }

  try {
    const said = await ask(
      'initialize',
      { protocolVersion: LATEST_SESSION_VERSION, capabilities: {}, clientInfo: CLIENT_INFO },
      signal,
      true,
    )
    const { protocolVersion } = said
    if (!isSessionVersion(protocolVersion)) throw unknownVersion(protocolVersion)
    return {
      transport: 'sse',
      era: 'legacy',
      protocolVersion,
      supportedVersions: [protocolVersion],
      said,
      begin: (stop) => orAborted(channel.send(rpcNotification('notifications/initialized')), stop),
      request: (method, params, stop) => ask(method, params, stop, false),
      // The stream is the session.
      end: async () => channel.close(),
    }
  } catch (error) {
    channel.close()
    throw error
  }
}

const NOTHING_HEARD = {
  status: 200,
  contentType: 'text/event-stream',
  wwwAuthenticate: null,
  location: null,
  sessionId: null,
  text: '',
}

function gone(detail: string): ProbeError {
  return new ProbeError({
    code: 'UPSTREAM_UNAVAILABLE',
    message: 'The server closed the connection without an answer.',
    detail,
  })
}

/** For a version in an answer to `initialize` that is not known here. */
export function unknownVersion(version: unknown): ProbeError {
  return typeof version === 'string'
    ? new ProbeError({
        code: 'PROTOCOL_VERSION_UNSUPPORTED',
        message: `The server wants to speak MCP ${JSON.stringify(version.slice(0, 40))}.`,
      })
    : new ProbeError({
        code: 'NOT_AN_MCP_SERVER',
        message: 'The server answered "initialize" without a version of MCP.',
      })
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = Promise.withResolvers<never>()
  const abort = () => stop.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, stop.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
