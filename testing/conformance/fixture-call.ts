import type { CallToolResult, InputRequests } from '@modelcontextprotocol/server'
import type { ToolDefinition } from '#contracts/probe.ts'

/** A change that the server tells those who listen for it; a `resource` by its URI. */
export type Change = { list: 'tools' | 'prompts' } | { resource: string }

/** One round of a request, the same for both eras of the protocol. */
export interface FixtureCall {
  args: Record<string, unknown>
  /** What the client says that it can be asked. */
  capabilities: { sampling?: object; elicitation?: object; roots?: object }
  /** The client's answers to what earlier rounds asked, by the key of the question; not checked by anybody. */
  answers: Record<string, unknown>
  /** What the last round gave along, intact. */
  state: unknown
  /** A header of the HTTP request, null where it is missing. */
  header: (name: string) => string | null
  log: (data: string) => Promise<void>
  /** `done` of 100; nothing where the client asked for no progress. */
  progress: (done: number) => Promise<void>
  tell: (change: Change) => void
}

/** What a round asks of the client before the request can be answered. */
export interface Questions {
  ask: InputRequests
  state?: unknown
}

export interface FixtureTool {
  definition: ToolDefinition
  run(call: FixtureCall): CallToolResult | Questions | Promise<CallToolResult | Questions>
}

export function asks(outcome: object): outcome is Questions {
  return 'ask' in outcome
}

export function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] }
}

/** A tool without arguments. */
export function tool(name: string, description: string, run: FixtureTool['run']): FixtureTool {
  return { definition: { name, description, inputSchema: { type: 'object' } }, run }
}
