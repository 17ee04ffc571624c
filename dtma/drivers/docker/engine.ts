import Docker from 'dockerode'
import { InstanceFailure } from '#dtma/drivers/driver.ts'

/** Creating a container from a large image on a busy disk takes seconds; a minute means that the engine hangs. */
const CALL_LIMIT_MS = 60_000

export type Engine = {
  /** For calls that answer at once. */
  api: Docker
  /** For streams, which may be silent for hours. */
  streams: Docker
}

/** What dockerode throws: the engine's own status and message, or a failure of the socket. */
export type EngineError = Error & {
  statusCode?: number
  code?: string
  json?: { message?: string } | string | null
}

/** Talks to the engine behind a Unix socket, in the newest version of the API that it speaks. */
export function connectEngine(socketPath: string): Engine {
  return {
    api: new Docker({ socketPath, timeout: CALL_LIMIT_MS }),
    streams: new Docker({ socketPath }),
  }
}

export function statusOf(error: unknown): number | null {
  return (error as EngineError | null)?.statusCode ?? null
}

/** The engine's own words. */
export function messageOf(error: unknown): string {
  const { json, message } = error as EngineError
  const text = typeof json === 'object' ? json?.message : undefined
  return text ?? message
}

/** Throws InstanceFailure ENGINE_UNAVAILABLE when nothing answered; passes on what the engine itself said. */
export async function ask<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof InstanceFailure || statusOf(error) !== null) throw error
    const { code, message } = error as EngineError
    throw new InstanceFailure('ENGINE_UNAVAILABLE', code === undefined ? message : `${message} (${code})`)
  }
}

/** As `ask`; null when the engine has no such thing. */
export async function askFor<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await ask(call)
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** As `ask`, for what may be done, or be under way, already (304, 404, 409 "already in progress"). */
export async function askUnlessDone(call: () => Promise<unknown>): Promise<void> {
  try {
    await ask(call)
  } catch (error) {
    const status = statusOf(error)
    if (status === 304 || status === 404) return
    if (status === 409 && /already in progress|is already/.test(messageOf(error))) return
    throw error
  }
}

export function isEngineAway(error: unknown): boolean {
  return error instanceof InstanceFailure && error.code === 'ENGINE_UNAVAILABLE'
}
