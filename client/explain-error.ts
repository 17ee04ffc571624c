import { TRPCClientError } from '@trpc/client'
import { toolberthError } from './errors.ts'
import { ToolberthDeploymentFailed, ToolberthDeploymentTimedOut } from './wait-for-deployment.ts'

/** A failure in words: what happened, and what to do next. `log` is what helps to find the cause, a line each. */
export type Explanation = { code: string; text: string; action: string; detail: string | null; log: string[] }

/** Explains what a call of the client threw; null for what is not the client's. `url` is where Toolberth was expected. */
export function explainError(error: unknown, url: string | null): Explanation | null {
  if (error instanceof ToolberthDeploymentFailed) {
    const { failure, message, action, logTail } = error
    const log = logTail.map(({ text }) => text)
    return { code: failure?.code ?? 'CANCELLED', text: message, action, detail: failure?.detail ?? null, log }
  }
  if (error instanceof ToolberthDeploymentTimedOut) {
    const action = 'It goes on without being waited for: look at the page of the server.'
    return { code: 'DEPLOYMENT_TIMED_OUT', text: error.message, action, detail: null, log: [] }
  }
  const answer = toolberthError(error)
  if (answer) {
    const { code, text, action, fields = {}, detail, requestId } = answer
    const log = Object.entries(fields).map(([field, problems]) => `${field}: ${problems.join(' ')}`)
    return { code, text, action, detail: detail ?? `request ${requestId}`, log }
  }
  if (!(error instanceof TRPCClientError)) return null
  // fetch throws a TypeError when nothing answers; any other cause is an answer that is not tRPC's.
  const isSilent = error.cause instanceof TypeError
  const at = url ?? 'its address'
  return {
    code: isSilent ? 'UNREACHABLE' : 'NOT_TOOLBERTH',
    text: isSilent ? `Nothing answers at ${at}.` : `What answers at ${at} is not Toolberth.`,
    action: 'Check that Toolberth runs, and TOOLBERTH_URL.',
    detail: deepestCause(error),
    log: [],
  }
}

/** "fetch failed" says nothing; what it was caused by does. */
export function deepestCause(error: unknown): string | null {
  let deepest: string | null = null
  for (let at = error; at instanceof Error; at = at.cause) deepest = at.message || deepest
  return deepest
}
