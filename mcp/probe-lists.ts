import type { ProbeFailureCode, ToolDefinition } from '#contracts/probe.ts'
import { ProbeError } from './probe-error.ts'
import type { ProbeSession } from './probe-session.ts'
import type { StageClock } from './probe-stages.ts'
import { StageTimeout } from './probe-stages.ts'
import { readTools, type ToolList } from './probe-tools.ts'

/** Beyond these a list is a fault or an attack: the largest servers known have a few hundred tools. */
const MAX_PAGES = 100
const MAX_ITEMS = 5000

/** What a server that is there and serves tools may fail at: it answered, and not with its list. */
const FORGIVEN: ReadonlySet<ProbeFailureCode> = new Set([
  'PROTOCOL_ERROR',
  'PROBE_TIMEOUT',
  'WRONG_CONTENT_TYPE',
])

type ListKind = 'tools' | 'resources' | 'prompts'

export interface ProbedLists {
  tools: ToolDefinition[]
  skippedTools: ToolList['skipped']
  resources: number | null
  prompts: number | null
  warnings: string[]
}

/**
 * Reads the lists that a server declares, a stage each. Resources or prompts that cannot be listed are a warning where tools were
 * read, and a failure where they are all that the server has (docs/adr/0016-probe.md).
 */
export async function readLists(
  session: ProbeSession,
  capabilities: Readonly<Record<string, unknown>>,
  clock: StageClock,
): Promise<ProbedLists> {
  const lists: ProbedLists = { tools: [], skippedTools: [], resources: null, prompts: null, warnings: [] }
  const hasTools = Boolean(capabilities.tools)
  if (hasTools) {
    clock.advance('tools')
    const { tools, skipped } = readTools(await listAll(session, 'tools', clock.signal), session.era)
    lists.tools = tools
    lists.skippedTools = skipped
  }
  for (const kind of ['resources', 'prompts'] as const) {
    if (!capabilities[kind]) continue
    clock.advance(kind, { mayFail: hasTools })
    try {
      lists[kind] = (await listAll(session, kind, clock.signal)).length
    } catch (error) {
      const words = hasTools ? forgivable(error) : null
      if (words === null) throw error
      lists.warnings.push(`Its ${kind} cannot be listed: ${words}`)
      clock.warn()
    }
  }
  return lists
}

/** What to say of a list that could not be read; null when more is wrong than that list. */
function forgivable(error: unknown): string | null {
  if (error instanceof StageTimeout) return 'there was no answer in time.'
  if (!(error instanceof ProbeError)) return null
  const { code, message, detail, httpStatus } = error.verdict
  // A list that breaks the server's own code is an answer too.
  if (!FORGIVEN.has(code) && httpStatus !== 500) return null
  return `${message}${detail ? ` ${detail}` : ''}`.slice(0, 300)
}

/** Reads every page of a list. Throws ProbeError also when the pages do not come to an end. */
async function listAll(session: ProbeSession, kind: ListKind, signal: AbortSignal): Promise<unknown[]> {
  const method = `${kind}/list`
  const items: unknown[] = []
  const cursors = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await session.request(method, cursor === undefined ? {} : { cursor }, signal)
    const some = result[kind]
    if (!Array.isArray(some)) throw broken(`The answer to "${method}" is not valid MCP.`)
    items.push(...(some as unknown[]))
    if (items.length > MAX_ITEMS) throw broken(`The server lists more than ${MAX_ITEMS} ${kind}.`)
    const { nextCursor } = result
    if (typeof nextCursor !== 'string') return items
    if (cursors.has(nextCursor)) throw broken(`The server repeats a cursor of "${method}".`)
    cursors.add(nextCursor)
    cursor = nextCursor
  }
  throw broken(`The list of ${kind} has more than ${MAX_PAGES} pages.`)
}

function broken(message: string): ProbeError {
  return new ProbeError({ code: 'PROTOCOL_ERROR', message })
}
