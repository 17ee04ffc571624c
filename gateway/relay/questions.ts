import { randomBytes } from 'node:crypto'
import {
  RPC_REQUEST_TIMEOUT,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcRequest,
} from '#mcp/json-rpc.ts'
import type { Question } from './client-side.ts'

/** A person may think as long as this about what a server asks, milliseconds. */
const ANSWER_WITHIN_MS = 10 * 60_000
/** Questions of one session that wait at a time. */
const MAX_PER_SESSION = 32

/** Requests of servers that wait for a client's response, which may come to another replica. */
export interface Questions {
  /**
   * Sends the question under an id of ours and waits. Rejects with the signal's reason; a client that stays silent is answered for by
   * an error.
   */
  ask(
    sessionId: string,
    question: Question,
    send: (request: RpcRequest) => Promise<void>,
    signal: AbortSignal,
  ): Promise<RpcResponse>
  /** Answers whether the response was waited for in this process, by this session. */
  answer(sessionId: string, response: RpcResponse): boolean
  readonly size: number
}

export function createQuestions(answerWithinMs = ANSWER_WITHIN_MS): Questions {
  const waiting = new Map<RpcId, { sessionId: string; resolve: (response: RpcResponse) => void }>()
  const perSession = new Map<string, number>()
  const prefix = `toolberth-${randomBytes(6).toString('base64url')}-`
  let last = 0

  return {
    get size() {
      return waiting.size
    },
    async ask(sessionId, { method, params }, send, signal) {
      signal.throwIfAborted()
      const count = perSession.get(sessionId) ?? 0
      const id = `${prefix}${++last}`
      if (count >= MAX_PER_SESSION)
        return rpcFailure(id, RPC_REQUEST_TIMEOUT, 'The client is asked too much.')
      perSession.set(sessionId, count + 1)
      const answered = Promise.withResolvers<RpcResponse>()
      waiting.set(id, { sessionId, resolve: answered.resolve })
      const onAbort = () => answered.reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      const timer = setTimeout(
        () => answered.resolve(rpcFailure(id, RPC_REQUEST_TIMEOUT, 'The client did not answer in time.')),
        answerWithinMs,
      )
      try {
        await send(rpcRequest(id, method, params))
        return await answered.promise
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        waiting.delete(id)
        const left = (perSession.get(sessionId) ?? 1) - 1
        if (left > 0) perSession.set(sessionId, left)
        else perSession.delete(sessionId)
      }
    },
    answer(sessionId, response) {
      const question = response.id === null ? undefined : waiting.get(response.id)
      if (question?.sessionId !== sessionId) return false
      question.resolve(response)
      return true
    },
  }
}
