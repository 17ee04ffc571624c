import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import { RPC_INVALID_REQUEST, type RpcId, rpcFailure } from '#mcp/json-rpc.ts'
import type { Reply } from './reply.ts'

/** 401 with the challenge of RFC 6750; where an answer has begun already, the same words as its last message. */
export function answerUnauthorized(reply: Reply, id: RpcId | null, tokenWasSent = true): void {
  const { text, action } = ERROR_CATALOGUE.AGENT_TOKEN_INVALID
  const failure = rpcFailure(id, RPC_INVALID_REQUEST, `${text} ${action}`, {
    code: 'AGENT_TOKEN_INVALID',
    retryable: false,
  })
  if (reply.streaming) return reply.finish(failure)
  const challenge = tokenWasSent
    ? 'Bearer realm="Toolberth", error="invalid_token"'
    : 'Bearer realm="Toolberth"'
  reply.json(401, failure, { 'www-authenticate': challenge })
}
