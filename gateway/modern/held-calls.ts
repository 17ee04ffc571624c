import { randomUUID } from 'node:crypto'
import type { Question } from '#gateway/relay/client-side.ts'
import type { Reply } from '#gateway/reply.ts'
import {
  isRecord,
  RPC_INTERNAL_ERROR,
  RPC_REQUEST_TIMEOUT,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcResult,
} from '#mcp/json-rpc.ts'
import { createDetachableReply, type DetachableReply } from './detachable-reply.ts'
import { type RequestStates, requestDigest } from './request-state.ts'

/** A person may think as long as this about what a server asks, milliseconds. */
const ANSWER_WITHIN_MS = 10 * 60_000
/** What a server asks side by side is put to the client at once, milliseconds. */
const GATHER_MS = 20
/** Calls of one agent that wait for their client at a time. */
const MAX_PER_AGENT = 32
/** Of all agents in this process. */
const MAX_HELD = 2000
/** Questions of one call that wait at a time. */
const MAX_QUESTIONS = 32

interface Waiting {
  question: Question
  resolve: (response: RpcResponse) => void
}

/** A call whose server may ask its client something before it answers. */
export interface HeldCall {
  readonly id: string
  /** What the call writes to in place of its request's own reply. */
  readonly reply: DetachableReply
  /** Puts a question of the server to the client, as `input_required`. Rejects with the signal's reason. */
  ask: (question: Question, signal: AbortSignal) => Promise<RpcResponse>
  /** The call ended; it is kept only while its answer was not fetched. */
  ended(): void
}

/** Where a retry is answered, and under which id. */
export interface Resumption {
  agentId: string
  callId: string
  answers: Record<string, unknown>
  /** Made when the call is found. */
  to: () => Reply
  requestId: RpcId
}

/**
 * Calls at servers with sessions that wait for a client of the stateless era: the server's request is open, and the client's has been
 * answered by `input_required`. The client's next one goes on with the call.
 */
export interface HeldCalls {
  begin(agentId: string, request: RpcRequest, reply: Reply): HeldCall
  /** Answers whether the call waits in this process. */
  resume(resumption: Resumption): boolean
  /** Calls that wait, or whose answer does. */
  readonly size: number
  /** Of this process among the replicas. */
  readonly processId: string
}

interface Held {
  agentId: string
  resume(resumption: Resumption): boolean
}

export function createHeldCalls({
  states,
  processId,
  answerWithinMs = ANSWER_WITHIN_MS,
}: {
  states: RequestStates
  processId: string
  answerWithinMs?: number | undefined
}): HeldCalls {
  const held = new Map<string, Held>()
  const perAgent = new Map<string, number>()

  function keep(callId: string, call: Held): boolean {
    if (held.has(callId)) return true
    const count = perAgent.get(call.agentId) ?? 0
    if (count >= MAX_PER_AGENT || held.size >= MAX_HELD) return false
    held.set(callId, call)
    perAgent.set(call.agentId, count + 1)
    return true
  }
  function forget(callId: string, { agentId }: Held): void {
    if (!held.delete(callId)) return
    const left = (perAgent.get(agentId) ?? 1) - 1
    if (left > 0) perAgent.set(agentId, left)
    else perAgent.delete(agentId)
  }

  return {
    processId,
    get size() {
      return held.size
    },
    resume: (resumption) => held.get(resumption.callId)?.resume(resumption) ?? false,
    begin(agentId, request, first) {
      const callId = randomUUID()
      const reply = createDetachableReply(first, request.id)
      const waiting = new Map<string, Waiting>()
      let asked = 0
      let digest = ''
      let gathering: NodeJS.Timeout | undefined
      let expiry: NodeJS.Timeout | undefined

      const call: Held = {
        agentId,
        resume({ answers, to, requestId, ...resumption }) {
          // Whoever asks twice at a time gets one answer: the first exchange is still open.
          if (resumption.agentId !== agentId || reply.attached) return false
          clearTimeout(expiry)
          reply.attach(to(), requestId)
          if (reply.finished) {
            forget(callId, call)
            return true
          }
          for (const [key, { resolve }] of waiting) {
            const answer = Object.hasOwn(answers, key) ? answers[key] : undefined
            if (isRecord(answer)) resolve(rpcResult(key, answer))
          }
          // What was not answered is asked again.
          gather()
          return true
        },
      }

      function gather(): void {
        gathering ??= setTimeout(() => {
          gathering = undefined
          if (waiting.size > 0) putQuestions()
        }, GATHER_MS)
      }

      function putQuestions(): void {
        if (!reply.attached || reply.finished) return
        const requestState = states.seal({
          agentId,
          callId,
          heldBy: processId,
          requestId: request.id,
          digest,
        })
        const inputRequests = Object.fromEntries([...waiting].map(([key, { question }]) => [key, question]))
        try {
          reply.detach((id) => rpcResult(id, { resultType: 'input_required', inputRequests, requestState }))
        } catch {
          // What can be parsed can be too deep to be written again.
          for (const [key, { resolve }] of waiting)
            resolve(rpcFailure(key, RPC_INTERNAL_ERROR, 'The client cannot be asked this.'))
          return
        }
        clearTimeout(expiry)
        expiry = setTimeout(() => {
          forget(callId, call)
          reply.abandon()
        }, answerWithinMs).unref()
      }

      return {
        id: callId,
        reply,
        async ask(question, signal) {
          signal.throwIfAborted()
          const key = `${++asked}`
          if (waiting.size >= MAX_QUESTIONS || !keep(callId, call))
            return rpcFailure(key, RPC_REQUEST_TIMEOUT, 'The client is asked too much.')
          digest ||= requestDigest(request)
          const answered = Promise.withResolvers<RpcResponse>()
          waiting.set(key, { question: forStateless(question), resolve: answered.resolve })
          const onAbort = () => answered.reject(signal.reason)
          signal.addEventListener('abort', onAbort, { once: true })
          gather()
          try {
            return await answered.promise
          } finally {
            signal.removeEventListener('abort', onAbort)
            waiting.delete(key)
          }
        },
        ended() {
          clearTimeout(gathering)
          if (!reply.attached && reply.finished && held.has(callId)) return
          clearTimeout(expiry)
          forget(callId, call)
        },
      }
    },
  }
}

/** Without what only the era of sessions has: keys to follow the question by other messages. */
function forStateless({ method, params }: Question): Question {
  if (params === undefined) return { method }
  const { _meta, task: _task, elicitationId: _elicitation, ...kept } = params
  return { method, params: kept }
}
