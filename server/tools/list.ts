import { z } from 'zod'
import { ToolDefinition } from '#contracts/probe.ts'
import { type ListTools, ToolList } from '#contracts/tools.ts'
import { isRpcFailure } from '#mcp/json-rpc.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { withGatewaySession } from './gateway-session.ts'
import { withTicket } from './mint-ticket.ts'

const LIST_MS = 15_000
/** A gateway that never stops paging ends here. */
const MAX_PAGES = 100

const Page = z.looseObject({
  tools: z.array(ToolDefinition),
  nextCursor: z.string().optional(),
  _meta: z
    .looseObject({ 'toolberth/backends': ToolList.shape.backends.optional().catch(undefined) })
    .optional(),
})

/** The tools that one's own agent sees at the gateway, asked there as the agent. Throws AppError NOT_FOUND, GATEWAY_UNREACHABLE. */
export async function listTools({
  ctx,
  input,
  signal,
}: {
  ctx: UserCtx
  input: z.infer<typeof ListTools>
  signal?: AbortSignal | undefined
}): Promise<ToolList> {
  const { agentId } = input
  return withTicket(ctx, agentId, (token) =>
    withGatewaySession({ agentId, token, signal }, async ({ request, messages }) => {
      const startedAt = performance.now()
      const found: Pick<ToolList, 'tools' | 'backends'> = { tools: [], backends: {} }
      let cursor: string | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const answer = await request('tools/list', cursor === undefined ? {} : { cursor }, LIST_MS)
        if (isRpcFailure(answer))
          throw new AppError('GATEWAY_UNREACHABLE', answer.error.message, { detail: answer.error.message })
        const { tools, nextCursor, _meta } = Page.parse(answer.result)
        found.tools.push(...tools)
        Object.assign(found.backends, _meta?.['toolberth/backends'])
        cursor = nextCursor
        if (cursor === undefined) break
      }
      return { ...found, latencyMs: Math.round((performance.now() - startedAt) * 10) / 10, messages }
    }),
  )
}
