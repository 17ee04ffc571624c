import { randomUUID } from 'node:crypto'
import { ShortLivedMap } from '#mcp/short-lived-map.ts'
import {
  classifyMessage,
  isRecord,
  isRpcFailure,
  RPC_CONNECTION_CLOSED,
  RPC_INVALID_REQUEST,
  RPC_METHOD_NOT_FOUND,
  RPC_REQUEST_TIMEOUT,
  type RpcId,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
  rpcResult,
} from './json-rpc.ts'
import type { OpenChannel, RelayChannel, RelayUser } from './relay-channel.ts'
import type { ClientReply, RelayStream } from './relay-reply.ts'

export type RelaySession = {
  readonly id: string
  readonly user: RelayUser
  readonly openedAt: number
  /** Resolves when it is answered: true with a result, false with a failure, be it of the relay itself. */
  request(message: RpcRequest, reply: ClientReply): Promise<boolean>
  /** A notification, or the client's answer to a request of the server. */
  tell(message: RpcMessage): Promise<void>
  hasStream(): boolean
  setStream(stream: RelayStream): void
  /** No request waits; a stream may be open. */
  isFree(): boolean
  isIdle(): boolean
  lastUsedAt(): number
  end(reason: string): void
}

type Waiting = {
  progressToken: unknown
  reply: ClientReply
  settle(answer: RpcResponse): void
}

/** Opens the session's channel; rejects with what `open` rejects with. */
export async function createRelaySession(options: {
  open: OpenChannel
  user: RelayUser
  requestTimeoutMs: number
  maxInFlight: number
  onEnd(session: RelaySession): void
}): Promise<RelaySession> {
  const waiting = new ShortLivedMap<RpcId, Waiting>()
  let stream: RelayStream | null = null
  let lastUsedAt = Date.now()
  let ended: string | null = null
  let channel: RelayChannel | null = null

  /** To the POST that it belongs to, when that can be told; else to the session's own stream; else to any POST that waits. */
  function toClient(message: RpcMessage, owner: Waiting | undefined): boolean {
    const open = waiting.values()
    const only = open.length === 1 ? open[0] : undefined
    if ((owner ?? only)?.reply.write(message)) return true
    if (stream !== null) {
      stream.write(message)
      return true
    }
    return open.reverse().some(({ reply }) => reply.write(message))
  }

  function receive(message: RpcMessage): void {
    const parsed = classifyMessage(message)
    if (parsed === null || ended !== null) return
    if (parsed.kind === 'response') {
      if (parsed.message.id !== null) waiting.get(parsed.message.id)?.settle(parsed.message)
    } else if (parsed.kind === 'notification') {
      const token = parsed.message.params?.progressToken
      const owner = waiting.values().find((one) => token !== undefined && one.progressToken === token)
      toClient(parsed.message, owner)
    } else if (!toClient(parsed.message, undefined)) {
      const { id, method } = parsed.message
      const answer =
        method === 'ping'
          ? rpcResult(id, {})
          : rpcFailure(id, RPC_METHOD_NOT_FOUND, 'The client has no stream open to be asked over.')
      channel?.send(answer).catch(() => {})
    }
  }

  function end(reason: string): void {
    if (ended !== null) return
    ended = reason
    for (const [id, one] of waiting.entries()) one.settle(rpcFailure(id, RPC_CONNECTION_CLOSED, reason))
    stream?.end()
    channel?.close()
    options.onEnd(session)
  }

  const session: RelaySession = {
    id: randomUUID(),
    user: options.user,
    openedAt: Date.now(),
    async request(message, reply) {
      const { id, method, params } = message
      lastUsedAt = Date.now()
      const refusal = waiting.has(id)
        ? 'A request with this id is still running.'
        : waiting.size >= options.maxInFlight
          ? 'Too many requests of this session are running.'
          : null
      if (refusal !== null || ended !== null || channel === null) {
        const code = refusal === null ? RPC_CONNECTION_CLOSED : RPC_INVALID_REQUEST
        reply.finish(rpcFailure(id, code, refusal ?? ended ?? 'The session is not open.'))
        return false
      }
      const { promise, resolve } = Promise.withResolvers<RpcResponse>()
      const one: Waiting = {
        progressToken: isRecord(params?._meta) ? params._meta.progressToken : undefined,
        reply,
        settle(answer) {
          if (waiting.get(id) !== one) return
          waiting.delete(id)
          clearTimeout(timer)
          lastUsedAt = Date.now()
          resolve(answer)
        },
      }
      function giveUp(code: number, reason: string): void {
        if (waiting.get(id) !== one) return
        one.settle(rpcFailure(id, code, reason))
        // The specification forbids cancelling `initialize`.
        if (method !== 'initialize')
          channel?.send(rpcNotification('notifications/cancelled', { requestId: id, reason })).catch(() => {})
      }
      const timer = setTimeout(
        () => giveUp(RPC_REQUEST_TIMEOUT, `No answer within ${options.requestTimeoutMs / 1000} s.`),
        options.requestTimeoutMs,
      )
      waiting.set(id, one)
      reply.onGone(() => giveUp(RPC_CONNECTION_CLOSED, 'The client disconnected.'))
      channel.send(message).catch((error: Error) => {
        one.settle(rpcFailure(id, RPC_CONNECTION_CLOSED, error.message))
      })
      const answer = await promise
      reply.finish(answer)
      return !isRpcFailure(answer)
    },
    async tell(message) {
      lastUsedAt = Date.now()
      if (channel === null || ended !== null) throw new Error(ended ?? 'The session is not open.')
      await channel.send(message)
      if (!('method' in message) || message.method !== 'notifications/cancelled') return
      const id = message.params?.requestId as RpcId
      // Nothing answers a cancelled request, and its POST must not wait for ever.
      waiting.get(id)?.settle(rpcFailure(id, RPC_CONNECTION_CLOSED, 'The client cancelled the request.'))
    },
    hasStream: () => stream !== null,
    setStream(next) {
      stream = next
      next.onClose(() => {
        if (stream === next) stream = null
        lastUsedAt = Date.now()
      })
    },
    isFree: () => waiting.size === 0,
    isIdle: () => waiting.size === 0 && stream === null,
    lastUsedAt: () => lastUsedAt,
    end,
  }

  const opened = await options.open({ user: options.user, onMessage: receive, onClose: end })
  channel = opened
  if (ended !== null) {
    opened.close()
    throw new Error(ended)
  }
  return session
}
