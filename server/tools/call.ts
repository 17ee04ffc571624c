import type { z } from 'zod'
import type { CallTool, ToolCall } from '#contracts/tools.ts'
import { isRpcFailure } from '#mcp/json-rpc.ts'
import type { UserCtx } from '#server/context.ts'
import { withGatewaySession } from './gateway-session.ts'
import { withTicket } from './mint-ticket.ts'

/** Shorter than a ticket is valid. */
const CALL_MS = 4 * 60_000

/**
 * Calls a tool through the gateway as one's own agent, within everything that binds the agent: pins, switched-off tools, limits.
 * The gateway's call log keeps it, marked as the inspector's. What the gateway or the tool refuses is an answer, not an error;
 * throws AppError NOT_FOUND, GATEWAY_UNREACHABLE, CALL_TIMED_OUT (after 4 minutes).
 */
export async function callTool({
  ctx,
  input,
  signal,
}: {
  ctx: UserCtx
  input: z.infer<typeof CallTool>
  signal?: AbortSignal | undefined
}): Promise<ToolCall> {
  const { agentId, name, arguments: args } = input
  return withTicket(ctx, agentId, (token) =>
    withGatewaySession({ agentId, token, signal }, async ({ request, messages }) => {
      const startedAt = performance.now()
      const answer = await request('tools/call', { name, arguments: args }, CALL_MS)
      const latencyMs = Math.round((performance.now() - startedAt) * 10) / 10
      if (isRpcFailure(answer)) {
        const { code, message, data } = answer.error
        const error = { code, message, ...(data !== undefined && { data }) }
        return { outcome: 'failed', result: null, error, latencyMs, messages }
      }
      const outcome = answer.result.isError === true ? 'tool_error' : 'ok'
      return { outcome, result: answer.result, error: null, latencyMs, messages }
    }),
  )
}
