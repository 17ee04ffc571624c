import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EnrollRequest, EnrollResponse, PROTOCOL_VERSIONS } from '#contracts/dtma.ts'
import type { DtmaEnv } from '#dtma/env.ts'
import type { Logger } from '#dtma/logger.ts'
import type { Enrollment } from '#dtma/state/identity-store.ts'
import { type ControlPlane, ControlPlaneError } from './client.ts'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000

/** The token given by file (read anew each time, for it may be replaced) or variable; null when there is none. */
export async function readToken(env: DtmaEnv): Promise<string | null> {
  if (env.ENROLLMENT_TOKEN_FILE === undefined) return env.ENROLLMENT_TOKEN ?? null
  const text = await readFile(env.ENROLLMENT_TOKEN_FILE, 'utf8').catch(() => null)
  return text?.trim() || null
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * Registers this agent, trying until the control plane accepts it (it may still be starting, or a person may have to replace the
 * token) or `signal` aborts. Every refusal is logged once in the control plane's words.
 */
export async function enroll(options: {
  env: DtmaEnv
  controlPlane: ControlPlane
  signal: AbortSignal
  logger: Logger
  describe(): Promise<Omit<EnrollRequest, 'token' | 'protocolVersions'>>
}): Promise<Enrollment> {
  let lastProblem = ''
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await enrollOnce(options)
    } catch (error) {
      options.signal.throwIfAborted()
      const problem = (error as Error).message
      if (problem !== lastProblem) options.logger.warn({ reason: problem }, 'not enrolled yet')
      lastProblem = problem
    }
    await sleep(wait, undefined, { signal: options.signal })
  }
}

/** One try. Throws ControlPlaneError, or an Error in words when there is no token or no common protocol. */
export async function enrollOnce(options: {
  env: DtmaEnv
  controlPlane: ControlPlane
  describe(): Promise<Omit<EnrollRequest, 'token' | 'protocolVersions'>>
}): Promise<Enrollment> {
  const token = await readToken(options.env)
  if (token === null) {
    throw new ControlPlaneError('There is no enrolment token: set ENROLLMENT_TOKEN_FILE or ENROLLMENT_TOKEN.')
  }
  const body: EnrollRequest = {
    ...(await options.describe()),
    token,
    protocolVersions: [...PROTOCOL_VERSIONS],
  }
  const path = '/api/dtma/enroll'
  const answer = await options.controlPlane.call({ method: 'POST', path, body, answer: EnrollResponse })
  if (!PROTOCOL_VERSIONS.some((version) => version === answer.protocolVersion)) {
    const spoken = PROTOCOL_VERSIONS.join(' and ')
    throw new Error(
      `The control plane chose protocol ${answer.protocolVersion}, this agent speaks ${spoken}.`,
    )
  }
  return { ...answer, tokenHash: hashToken(token) }
}
