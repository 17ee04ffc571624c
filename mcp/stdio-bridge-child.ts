import type { Readable, Writable } from 'node:stream'
import { ShortLivedMap } from '#mcp/short-lived-map.ts'
import {
  isRecord,
  isRpcFailure,
  parseRpcMessage,
  RPC_CONNECTION_CLOSED,
  RPC_INTERNAL_ERROR,
  RPC_METHOD_NOT_FOUND,
  RPC_REQUEST_TIMEOUT,
  type RpcMessage,
  type RpcNotification,
  type RpcParams,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
  rpcRequest,
  rpcResult,
} from './json-rpc.ts'
import { createLineReader } from './line-reader.ts'
import { META_SUBSCRIPTION_ID } from './stateless.ts'

/** A child that does not read its input may hold back this many bytes before further requests fail. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024

export type ChildRequest = {
  /** By which the child knows it. */
  id: number
  /** Resolves with the child's answer under id 0; failures of the bridge itself are JSON-RPC failures too. Never rejects. */
  answer: Promise<RpcResponse>
  /** Tells the child, and answers nothing more. */
  cancel(reason: string): void
}

export type StdioChild = {
  /** Sends a request under an id (and, when one is given, a progress token) of the bridge's own. */
  request(
    method: string,
    params: RpcParams | undefined,
    options: {
      /** Null: as long as it takes. */
      timeoutMs: number | null
      onProgress?: (params: RpcParams) => void
      /** Notifications that belong to it, when it is a subscription. */
      onNotification?: (message: RpcNotification) => void
    },
  ): ChildRequest
  notify(method: string, params?: RpcParams): void
  pending(): number
  /** Fails everything that waits with `reason`; later requests fail at once. */
  close(reason: string): void
}

type Pending = {
  settle(response: RpcResponse): void
  onProgress: ((params: RpcParams) => void) | undefined
  onNotification: ((message: RpcNotification) => void) | undefined
}

/**
 * The bridge's side of one stdio MCP server: newline-delimited JSON-RPC with ids of its own. Requests of the child are answered
 * here (`ping` with `{}`, others with -32601), for a shared child has no single client that could.
 */
export function createStdioChild(options: {
  stdin: Writable
  stdout: Readable
  maxMessageChars: number
  /** A line on stdout that is no MCP message. */
  onChatter(line: string): void
  /** Notifications that belong to no request. */
  onNotification(message: RpcNotification): void
}): StdioChild {
  const pending = new ShortLivedMap<number, Pending>()
  let nextId = 1
  let closedReason: string | null = null

  function send(message: RpcMessage): void {
    if (closedReason === null && options.stdin.writable) options.stdin.write(`${JSON.stringify(message)}\n`)
  }

  function receive(line: string): void {
    const parsed = parseRpcMessage(line)
    if (parsed === null) {
      if (line.trim() !== '') options.onChatter(line)
    } else if (parsed.kind === 'response') {
      const id = parsed.message.id
      if (typeof id === 'number') pending.get(id)?.settle(parsed.message)
    } else if (parsed.kind === 'request') {
      const { id, method } = parsed.message
      send(
        method === 'ping'
          ? rpcResult(id, {})
          : rpcFailure(id, RPC_METHOD_NOT_FOUND, `This client does not support "${method}".`),
      )
    } else if (parsed.message.method === 'notifications/progress') {
      const token = parsed.message.params?.progressToken
      if (typeof token === 'number') pending.get(token)?.onProgress?.(parsed.message.params ?? {})
    } else {
      const meta = parsed.message.params?._meta
      const owner = isRecord(meta) ? meta[META_SUBSCRIPTION_ID] : undefined
      if (typeof owner === 'number') pending.get(owner)?.onNotification?.(parsed.message)
      else options.onNotification(parsed.message)
    }
  }

  function dropLongLine(head: string, tail: string): void {
    options.onChatter(`[a line of more than ${options.maxMessageChars} characters was dropped] ${head}`)
    // Serialisers put the id first or last; found there, its request fails now rather than by its time-out.
    const id = /"id":\s*(\d+)\s*\}\s*$/.exec(tail)?.[1] ?? /^\{[^{[]*"id":\s*(\d+)/.exec(head)?.[1]
    const reason = 'The answer of the MCP server is larger than this bridge relays.'
    if (id !== undefined) pending.get(Number(id))?.settle(rpcFailure(0, RPC_INTERNAL_ERROR, reason))
  }

  function close(reason: string): void {
    if (closedReason !== null) return
    closedReason = reason
    for (const request of pending.values()) {
      request.settle(rpcFailure(0, RPC_CONNECTION_CLOSED, reason))
    }
  }

  const reader = createLineReader({
    maxChars: options.maxMessageChars,
    onLine: receive,
    onTooLong: dropLongLine,
  })
  options.stdout.on('data', (chunk: Buffer) => reader.push(chunk))
  options.stdout.on('end', () => {
    reader.end()
    close('The MCP server closed its output.')
  })
  options.stdout.on('error', () => close('The output of the MCP server broke.'))
  options.stdin.on('error', () => close('The MCP server closed its input.'))

  return {
    request(method, params, { timeoutMs, onProgress, onNotification }) {
      const id = nextId++
      const { promise, resolve } = Promise.withResolvers<RpcResponse>()
      if (closedReason !== null || options.stdin.writableLength > MAX_UNREAD_BYTES) {
        const reason = closedReason ?? 'The MCP server does not read its input.'
        return {
          id,
          answer: Promise.resolve(rpcFailure(0, RPC_CONNECTION_CLOSED, reason)),
          cancel: () => {},
        }
      }
      function settle(response: RpcResponse): void {
        if (!pending.delete(id)) return
        clearTimeout(timer)
        resolve(
          isRpcFailure(response)
            ? rpcFailure(0, response.error.code, response.error.message, response.error.data)
            : { ...response, id: 0 },
        )
      }
      function cancel(reason: string, code: number): void {
        if (!pending.has(id)) return
        settle(rpcFailure(0, code, reason))
        // The specification forbids cancelling `initialize`.
        if (method !== 'initialize')
          send(rpcNotification('notifications/cancelled', { requestId: id, reason }))
      }
      const timer =
        timeoutMs === null
          ? undefined
          : setTimeout(
              () =>
                cancel(`The MCP server did not answer within ${timeoutMs / 1000} s.`, RPC_REQUEST_TIMEOUT),
              timeoutMs,
            )
      pending.set(id, { settle, onProgress, onNotification })
      send(rpcRequest(id, method, onProgress === undefined ? params : withProgressToken(params, id)))
      return { id, answer: promise, cancel: (reason) => cancel(reason, RPC_CONNECTION_CLOSED) }
    },
    notify: (method, params) => send(rpcNotification(method, params)),
    pending: () => pending.size,
    close,
  }
}

/** The request's own id serves as its progress token: unique among all sessions of the child. */
function withProgressToken(params: RpcParams | undefined, token: number): RpcParams {
  const meta = isRecord(params?._meta) ? params._meta : {}
  return { ...params, _meta: { ...meta, progressToken: token } }
}
