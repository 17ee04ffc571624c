import { CallTool, ListTools, ToolCall, ToolList } from '#contracts/tools.ts'
import { callTool } from '#server/tools/call.ts'
import { listTools } from '#server/tools/list.ts'
import { procedure } from '#server/trpc/init.ts'

/** No router of its own: tRPC refuses one with a procedure named `call`, which only its in-process callers cannot reach. */
export const tools = {
  list: procedure('signed-in').input(ListTools).output(ToolList).query(listTools),
  call: procedure('signed-in').input(CallTool).output(ToolCall).mutation(callTool),
}
