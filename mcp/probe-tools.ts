import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js'
import { z } from 'zod'
import { ToolDefinition } from '#contracts/probe.ts'
import { isRecord } from './json-rpc.ts'

/** Beyond these a list is a fault or an attack: the largest servers known have a few hundred tools. */
const MAX_PAGES = 100
const MAX_TOOLS = 5000

const ToolsPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().nullish() })

export interface ToolList {
  tools: ToolDefinition[]
  skipped: { name: string; reason: string }[]
}

/** Reads every page of `tools/list`. Throws what the SDK throws, and an Error when the pages do not come to an end. */
export async function listAllTools(client: Client, options: RequestOptions): Promise<ToolList> {
  const list: ToolList = { tools: [], skipped: [] }
  const names = new Set<string>()
  const cursors = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { cursor }
    // A schema of our own: the SDK's drops the fields it does not know.
    const answer = await client.request({ method: 'tools/list', params }, ToolsPage, options)
    for (const tool of answer.tools) addTool(list, names, tool)
    if (list.tools.length + list.skipped.length > MAX_TOOLS) {
      throw new Error(`The server lists more than ${MAX_TOOLS} tools.`)
    }
    if (typeof answer.nextCursor !== 'string') return list
    if (cursors.has(answer.nextCursor)) throw new Error('The server repeats a cursor of "tools/list".')
    cursors.add(answer.nextCursor)
    cursor = answer.nextCursor
  }
  throw new Error(`The list of tools has more than ${MAX_PAGES} pages.`)
}

function addTool(list: ToolList, names: Set<string>, value: unknown): void {
  const parsed = ToolDefinition.safeParse(value)
  if (!parsed.success) {
    const name = isRecord(value) && typeof value.name === 'string' ? value.name.slice(0, 200) : '(no name)'
    const issue = parsed.error.issues[0]
    list.skipped.push({ name, reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}` })
  } else if (names.has(parsed.data.name)) {
    list.skipped.push({ name: parsed.data.name, reason: 'The server lists this name twice.' })
  } else {
    names.add(parsed.data.name)
    list.tools.push(parsed.data)
  }
}
