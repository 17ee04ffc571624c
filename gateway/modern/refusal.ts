import type { Reply } from '#gateway/reply.ts'
import { type RpcId, rpcFailure } from '#mcp/json-rpc.ts'

/** Why a request is not served, under the status that its era puts the error. */
export interface Refusal {
  status: number
  code: number
  text: string
  data?: unknown
}

export function refuse(reply: Reply, id: RpcId | null, { status, code, text, data }: Refusal): void {
  reply.json(status, rpcFailure(id, code, text, data))
}
