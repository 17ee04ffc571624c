import { UpstreamError } from '#gateway/upstream/error.ts'
import { NoSessionsError } from '#gateway/upstream/initialize.ts'
import { forwardStateless } from './forward-stateless.ts'
import type { Attempt, Forwarded, ForwardInput } from './forward-types.ts'
import { forwardWithSession } from './forward-with-session.ts'

/** Silence of a server after which a call is given up (the SDKs' default); any message of the server begins it anew. */
const CALL_TIMEOUT_MS = 60_000
/** How often a request is sent again when that is safe. */
const RETRIES = 1

/**
 * Sends a request to its server in an era that the server speaks, and relays what comes meanwhile. Answers the final response under
 * the client's id. What was surely not run is sent once more, and what may be run twice too. Throws UpstreamError, or the signal's reason.
 */
export async function forward(input: ForwardInput): Promise<Forwarded> {
  const attempt: Attempt = { ...input, timeoutMs: input.timeoutMs ?? CALL_TIMEOUT_MS }
  const retries = input.retries ?? RETRIES
  for (let failures = 0; ; failures++) {
    try {
      input.signal.throwIfAborted()
      const era = await input.upstream.servers.era(input.target, input.client.era)
      return await (era === 'modern' ? forwardStateless(attempt) : withSession(attempt))
    } catch (error) {
      if (!(error instanceof UpstreamError) || failures >= retries) throw error
      const again = error.unsent || (input.idempotent === true && error.code === 'UPSTREAM_UNAVAILABLE')
      if (!again) throw error
    }
  }
}

/** A server that refuses sessions may speak the stateless era alone. */
async function withSession(attempt: Attempt): Promise<Forwarded> {
  try {
    return await forwardWithSession(attempt)
  } catch (error) {
    if (!(error instanceof NoSessionsError) || attempt.client.era === 'modern') throw error
    if (!(await attempt.upstream.servers.hasNoSessions(attempt.target))) throw error
    return forwardStateless(attempt)
  }
}
