import { randomUUID } from 'node:crypto'
import { UpstreamError } from '#gateway/upstream/error.ts'
import { type Exchanged, exchange } from '#gateway/upstream/exchange.ts'
import { endpointOf } from '#gateway/upstream/target.ts'
import {
  isRecord,
  isRpcFailure,
  type RpcParams,
  type RpcResponse,
  type RpcResult,
  rpcFailure,
  rpcNotification,
  rpcRequest,
} from '#mcp/json-rpc.ts'
import { buildParamHeaders } from '#mcp/param-headers.ts'
import { RPC_MISSING_CAPABILITY, STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'
import { declares, type Question, requiredCapability } from './client-side.ts'
import type { Attempt, Forwarded } from './forward-types.ts'

/** A server that never has enough answers is given up. */
const MAX_ROUNDS = 16
/** Ids are never used twice in this process: servers may keep them apart by nothing else. */
let lastId = 0

/**
 * Without a session (2026-07-28). A client of the same era gets the server's `input_required` as it is; one with a session is asked
 * on its stream, and the request sent again with its answers.
 */
export async function forwardStateless(input: Attempt): Promise<Forwarded> {
  let { params } = input
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const answered = await once(input, params)
    const { response } = answered
    if (isRpcFailure(response) || !asksForInput(response.result))
      return { response: { ...response, id: input.id }, status: answered.status }
    if (input.client.era === 'modern') return passedThrough(input, response, answered.status)
    const answers = await answersOf(input, response.result.inputRequests)
    params = { ...input.params, inputResponses: answers }
    if (response.result.requestState !== undefined) params.requestState = response.result.requestState
  }
  throw new UpstreamError('PROTOCOL_ERROR', `asks more than ${MAX_ROUNDS} times`)
}

async function once(input: Attempt, params: RpcParams | undefined): Promise<Exchanged> {
  const { client, target, upstream, method } = input
  const meta = isRecord(params?._meta) ? params._meta : {}
  const upstreamId = ++lastId
  const ownToken = meta.progressToken
  const sent: RpcParams = {
    ...params,
    _meta: { ...meta, ...client.envelope(), ...(ownToken !== undefined && { progressToken: upstreamId }) },
  }
  const answered = await exchange({
    endpoint: endpointOf(upstream.dispatchers, target),
    session: { id: null, protocolVersion: STATELESS_VERSION },
    message: rpcRequest(upstreamId, method, sent),
    headers: {
      ...standardHeaders(method, sent),
      ...(input.paramHeaders && buildParamHeaders(input.paramHeaders, params?.arguments)),
    },
    signal: input.signal,
    timeoutMs: input.timeoutMs,
    onStream: () => client.streamSoon(),
    async onNotification(message) {
      if (message.method === 'notifications/progress') {
        if (ownToken === undefined || message.params?.progressToken !== upstreamId) return
        const relayed = { ...message.params, progressToken: ownToken }
        await client.notify(rpcNotification('notifications/progress', relayed))
      } else if (message.method === 'notifications/message') {
        if (client.wantsLogs) await client.notify(message)
      } else upstream.onChange(target, message)
    },
  })
  // Without a session there is none to lose.
  if (answered === 'session lost') throw new UpstreamError('PROTOCOL_ERROR', 'no session')
  return answered
}

/** A client answers by its next request, and is asked nothing that it did not declare. */
function passedThrough({ id, client }: Attempt, response: RpcResult, status: number): Forwarded {
  const { inputRequests } = response.result
  const undeclared = Object.values(isRecord(inputRequests) ? inputRequests : {}).filter(
    (question) => !isQuestion(question) || !declares(client.capabilities, question),
  )
  if (undeclared.length === 0) return { response: { ...response, id }, status }
  const requiredCapabilities = Object.assign(
    {},
    ...undeclared.map((question) => (isQuestion(question) ? requiredCapability(question) : null)),
  ) as Record<string, unknown>
  const text = 'The server asks what this client did not declare that it answers.'
  return {
    response: rpcFailure(id, RPC_MISSING_CAPABILITY, text, { requiredCapabilities }),
    status: 400,
  }
}

function asksForInput(result: Record<string, unknown>): boolean {
  return result.resultType === 'input_required'
}

/** Every question is put to the client, side by side, and answered under the server's own key. */
async function answersOf(input: Attempt, questions: unknown): Promise<Record<string, unknown>> {
  const { client, signal } = input
  const asked = Object.entries(isRecord(questions) ? questions : {})
  const answers = await Promise.all(
    asked.map(async ([key, question]) => {
      if (!isQuestion(question) || client.ask === null || !declares(client.capabilities, question)) {
        throw new UpstreamError('PROTOCOL_ERROR', 'asks what the client did not declare')
      }
      return [key, answerOrThrow(await client.ask(forSession(question), signal))] as const
    }),
  )
  return Object.fromEntries(answers)
}

/** A page that is to be visited has an id where there are sessions. */
function forSession({ method, params }: Question): Question {
  if (params === undefined) return { method }
  const followed =
    method === 'elicitation/create' && params.mode === 'url' && params.elicitationId === undefined
  return { method, params: followed ? { ...params, elicitationId: randomUUID() } : params }
}

function isQuestion(value: unknown): value is Question {
  return (
    isRecord(value) &&
    typeof value.method === 'string' &&
    (value.params === undefined || isRecord(value.params))
  )
}

function answerOrThrow(response: RpcResponse): Record<string, unknown> {
  if (!isRpcFailure(response)) return response.result
  throw new UpstreamError('PROTOCOL_ERROR', `the client refused: ${response.error.code}`)
}
