import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { deepestCause, type Explanation, explainError } from '#client/explain-error.ts'
import { StartError } from '#scripts/start-error.ts'
import { DemoError } from './demo-error.ts'

const UNREACHABLE: ReadonlySet<string> = new Set(['UNREACHABLE', 'NOT_TOOLBERTH'])

/** Explains what a step threw; `url` is where Toolberth was expected. */
export function explain(error: unknown, url: string | null): Explanation {
  const plain = { detail: null, log: [] }
  if (error instanceof DemoError) return { ...plain, code: 'DEMO', text: error.message, action: error.action }
  if (error instanceof StartError)
    return { ...plain, code: 'NOT_STARTED', text: 'Toolberth could not be started.', action: error.message }
  if (error instanceof McpError) {
    const action = 'Look at the page of the server and at .toolberth/logs/gateway.log.'
    return { ...plain, code: `MCP_${error.code}`, text: error.message, action }
  }
  const explained = explainError(error, url)
  if (explained && UNREACHABLE.has(explained.code))
    return { ...explained, action: 'Run "npm start" first, set TOOLBERTH_URL, or add "-- --ephemeral".' }
  if (explained) return explained
  const text = error instanceof Error ? error.message : String(error)
  const action = 'Look at .toolberth/logs/*.log; run the demo again when the cause is gone.'
  return { code: 'UNEXPECTED', text, action, detail: deepestCause(error), log: [] }
}
