import { ToolDefinition } from '#contracts/probe.ts'
import { isRecord } from './json-rpc.ts'
import { paramHeaderFault } from './param-headers.ts'

export interface ToolList {
  tools: ToolDefinition[]
  skipped: { name: string; reason: string }[]
}

/** Parts what a server lists into tools, and what no client could be shown. Fields that are not known stay as they are. */
export function readTools(items: readonly unknown[], era: 'legacy' | 'modern'): ToolList {
  const list: ToolList = { tools: [], skipped: [] }
  const names = new Set<string>()
  for (const item of items) {
    const parsed = ToolDefinition.safeParse(item)
    if (!parsed.success) {
      const name = isRecord(item) && typeof item.name === 'string' ? item.name.slice(0, 200) : '(no name)'
      const issue = parsed.error.issues[0]
      list.skipped.push({ name, reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}` })
      continue
    }
    const { name, inputSchema } = parsed.data
    // 2026-07-28: a client must leave such a tool out, and use the others.
    const fault = era === 'modern' ? paramHeaderFault(inputSchema) : null
    if (names.has(name)) list.skipped.push({ name, reason: 'The server lists this name twice.' })
    else if (fault !== null) list.skipped.push({ name, reason: fault })
    else {
      names.add(name)
      list.tools.push(parsed.data)
    }
  }
  return list
}
