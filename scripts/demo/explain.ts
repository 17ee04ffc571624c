import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { TRPCClientError } from '@trpc/client'
import { ToolberthDeploymentFailed, ToolberthDeploymentTimedOut, toolberthError } from 'toolberth/client'
import { StartError } from '#scripts/start-error.ts'
import { DemoError } from './demo-error.ts'

/** A failure in words: what happened, and what to do next. */
export type Explanation = { code: string; text: string; action: string; detail: string | null; log: string[] }

/** Explains what a step threw; `url` is where Toolberth was expected. */
export function explain(error: unknown, url: string | null): Explanation {
  const plain = { detail: null, log: [] }
  if (error instanceof DemoError) return { ...plain, code: 'DEMO', text: error.message, action: error.action }
  if (error instanceof StartError)
    return { ...plain, code: 'NOT_STARTED', text: 'Toolberth could not be started.', action: error.message }
  if (error instanceof ToolberthDeploymentFailed) {
    const { failure, message, action, logTail } = error
    const log = logTail.map(({ text }) => text)
    return { code: failure?.code ?? 'CANCELLED', text: message, action, detail: failure?.detail ?? null, log }
  }
  if (error instanceof ToolberthDeploymentTimedOut) {
    const action = 'Look at the page of the server and at .toolberth/logs/worker.log.'
    return { ...plain, code: 'DEPLOYMENT_TIMED_OUT', text: error.message, action }
  }
  const answer = toolberthError(error)
  if (answer) {
    const { code, text, action, fields = {}, detail, requestId } = answer
    const wrong = Object.entries(fields).map(([field, problems]) => `${field}: ${problems.join(' ')}`)
    return { code, text, action, detail: detail ?? `request ${requestId}`, log: wrong }
  }
  if (error instanceof TRPCClientError) {
    // fetch throws a TypeError when nothing answers; any other cause is an answer that is not tRPC's.
    const isSilent = error.cause instanceof TypeError
    const at = url ?? 'its address'
    const text = isSilent ? `Nothing answers at ${at}.` : `What answers at ${at} is not Toolberth.`
    const action = 'Run "npm start" first, set TOOLBERTH_URL, or add "-- --ephemeral".'
    return { code: isSilent ? 'UNREACHABLE' : 'NOT_TOOLBERTH', text, action, detail: causeOf(error), log: [] }
  }
  if (error instanceof McpError) {
    const action = 'Look at the page of the server and at .toolberth/logs/gateway.log.'
    return { ...plain, code: `MCP_${error.code}`, text: error.message, action }
  }
  const text = error instanceof Error ? error.message : String(error)
  const action = 'Look at .toolberth/logs/*.log; run the demo again when the cause is gone.'
  return { code: 'UNEXPECTED', text, action, detail: causeOf(error), log: [] }
}

/** "fetch failed" says nothing; what it was caused by does. */
function causeOf(error: unknown): string | null {
  let deepest: string | null = null
  for (let at = error; at instanceof Error; at = at.cause) deepest = at.message || deepest
  return deepest
}
