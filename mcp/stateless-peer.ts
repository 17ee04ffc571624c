import {
  isRecord,
  isRpcFailure,
  RPC_CONNECTION_CLOSED,
  type RpcNotification,
  type RpcParams,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
} from './json-rpc.ts'
import type { ClientReply } from './relay-reply.ts'
import { META_SUBSCRIPTION_ID } from './stateless.ts'
import type { StdioChild } from './stdio-bridge-child.ts'

export type StatelessPeer = {
  /** Resolves when it is answered, with the answer. Whoever leaves before takes the request back. */
  request(message: RpcRequest, reply: ClientReply): Promise<RpcResponse>
  isIdle(): boolean
  lastUsedAt(): number
}

/**
 * Serves requests of 2026-07-28 over one stdio server of that era, many at a time. Ids, progress tokens and subscriptions are the
 * child's own on its side, so equal ones of different requests never meet.
 */
export function createStatelessPeer(options: {
  child: StdioChild
  requestTimeoutMs: number
  maxInFlight: number
}): StatelessPeer {
  const { child } = options
  let lastUsedAt = Date.now()
  let running = 0

  return {
    async request(message, reply) {
      const { id, method, params } = message
      lastUsedAt = Date.now()
      if (running >= options.maxInFlight) {
        const refusal = rpcFailure(id, RPC_CONNECTION_CLOSED, 'Too many requests are running; try later.')
        reply.finish(refusal)
        return refusal
      }
      const token = isRecord(params?._meta) ? params._meta.progressToken : undefined
      running++
      const request = child.request(method, params, {
        timeoutMs: method === 'subscriptions/listen' ? null : options.requestTimeoutMs,
        ...(token !== undefined && {
          onProgress: (progress: RpcParams) => {
            reply.write(rpcNotification('notifications/progress', { ...progress, progressToken: token }))
          },
        }),
        onNotification: (notification) => void reply.write(named(notification)),
      })
      /** The subscription by its client's id. */
      function named(notification: RpcNotification): RpcNotification {
        const { _meta: meta, ...rest } = notification.params ?? {}
        return {
          ...notification,
          params: { ...rest, _meta: { ...(meta as object), [META_SUBSCRIPTION_ID]: id } },
        }
      }
      reply.onGone(() => request.cancel('The client disconnected.'))
      const answer = withSubscription({ ...(await request.answer), id }, request.id, id)
      running--
      lastUsedAt = Date.now()
      reply.finish(answer)
      return answer
    },
    isIdle: () => running === 0,
    lastUsedAt: () => lastUsedAt,
  }
}

function withSubscription(answer: RpcResponse, ours: number, id: RpcRequest['id']): RpcResponse {
  if (isRpcFailure(answer)) return answer
  const { _meta: meta } = answer.result
  if (!isRecord(meta) || meta[META_SUBSCRIPTION_ID] !== ours) return answer
  return { ...answer, result: { ...answer.result, _meta: { ...meta, [META_SUBSCRIPTION_ID]: id } } }
}
