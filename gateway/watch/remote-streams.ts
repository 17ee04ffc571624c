import type { Bus } from '#gateway/bus.ts'
import { answerServer } from '#gateway/relay/answer-server.ts'
import type { ClientSide, Question } from '#gateway/relay/client-side.ts'
import type { Questions } from '#gateway/relay/questions.ts'
import {
  RPC_METHOD_NOT_FOUND,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import type { ChannelListener } from './channel-types.ts'

/** Whoever has the stream says so within this, milliseconds. */
const SENT_WITHIN_MS = 2000

/** The streams that clients have open at other replicas. */
export interface RemoteStreams {
  /** Whoever speaks to the client by one; undefined for clients that have none. */
  of(client: ClientSide): ChannelListener | undefined
  /** Another replica has sent this request on. */
  sent(requestId: RpcId): void
}

class NotSentError extends Error {}

export function createRemoteStreams(
  bus: Pick<Bus, 'publish' | 'hasOthers'>,
  questions: Pick<Questions, 'ask'>,
): RemoteStreams {
  const waiting = new Map<RpcId, () => void>()

  async function send(sessionId: string, message: RpcRequest): Promise<void> {
    const sent = Promise.withResolvers<void>()
    const timer = setTimeout(() => sent.reject(new NotSentError()), SENT_WITHIN_MS)
    waiting.set(message.id, sent.resolve)
    try {
      bus.publish({ kind: 'stream', sessionId, message: { ...message } })
      await sent.promise
    } finally {
      clearTimeout(timer)
      waiting.delete(message.id)
    }
  }

  /** A client that has no stream anywhere is refused for soon, since a server that waits for ever is worse. */
  async function ask(sessionId: string, question: Question, signal: AbortSignal): Promise<RpcResponse> {
    const nobody = rpcFailure(null, RPC_METHOD_NOT_FOUND, `Method not found: ${question.method}`)
    if (!(await bus.hasOthers())) return nobody
    try {
      return await questions.ask(sessionId, question, (request) => send(sessionId, request), signal)
    } catch (error) {
      if (error instanceof NotSentError) return nobody
      throw error
    }
  }

  return {
    of({ era, ask: asks, capabilities, use: { key } }) {
      if (era !== 'legacy' || asks === null) return undefined
      return {
        onNotification(message) {
          // Every replica would be told each line of a log.
          if (message.method === 'notifications/message') return
          bus.publish({ kind: 'stream', sessionId: key, message: { ...message } })
        },
        onRequest(message, lease, signal) {
          const client = {
            capabilities,
            ask: (question: Question, ended: AbortSignal) => ask(key, question, ended),
          }
          void answerServer(client, lease, message, signal)
        },
      }
    },
    sent: (requestId) => waiting.get(requestId)?.(),
  }
}
