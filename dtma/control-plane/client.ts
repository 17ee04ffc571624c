import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import type { z } from 'zod'
import { AgentError } from '#contracts/dtma.ts'
import { parseJson, readBounded } from '#protocol/bounded-http.ts'
import { signRequest } from '#protocol/signing.ts'

const TIMEOUT_MS = 10_000
/** Room for the specs and desired states of a full toolbox. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024
const DOWNLOAD_TIMEOUT_MS = 120_000

/** The control plane refused (`status` and `code` set), or could not be reached (both null). */
export class ControlPlaneError extends Error {
  readonly status: number | null
  readonly code: string | null
  readonly serverTime: string | null
  constructor(message: string, answer?: { status: number; error: AgentError['error'] | null }) {
    super(message)
    this.name = 'ControlPlaneError'
    this.status = answer?.status ?? null
    this.code = answer?.error?.code ?? null
    this.serverTime = answer?.error?.serverTime ?? null
  }
}

type Call<Schema extends z.ZodType> = { method: 'GET' | 'POST'; path: string; body?: unknown; answer: Schema }

export type ControlPlane = {
  /** Without a signature: enrolment alone. */
  call<Schema extends z.ZodType>(call: Call<Schema>): Promise<z.output<Schema>>
  /** Signed as this toolbox. A refusal for the clock is tried once more with the control plane's time. */
  callSigned<Schema extends z.ZodType>(toolboxId: string, call: Call<Schema>): Promise<z.output<Schema>>
  /** The bytes at a path, at most 64 MiB. Whoever asks checks that they are what was announced. */
  download(path: string): Promise<Buffer>
  close(): Promise<void>
}

/** Calls the agents' ingress. `origin` is https, or http on loopback; proxies of the environment are used past loopback. */
export function createControlPlane(options: { origin: string; privateKey: string }): ControlPlane {
  const direct = options.origin.startsWith('http:')
  const dispatcher: Dispatcher = direct
    ? new Agent({ connect: { timeout: 5_000 } })
    : new EnvHttpProxyAgent({ connect: { timeout: 5_000 } })
  /** Control plane's clock minus ours, in milliseconds; zero until it complained. */
  let clockOffset = 0

  async function send<Schema extends z.ZodType>(call: Call<Schema>, toolboxId: string | null) {
    const body = call.body === undefined ? '' : JSON.stringify(call.body)
    const signature =
      toolboxId === null
        ? {}
        : signRequest({
            privateKey: options.privateKey,
            toolboxId,
            method: call.method,
            path: call.path,
            body,
            now: new Date(Date.now() + clockOffset),
          })
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const answer = await request(`${options.origin}${call.path}`, {
        method: call.method,
        headers: { ...(body === '' ? {} : { 'content-type': 'application/json' }), ...signature },
        body: body === '' ? null : body,
        dispatcher,
        signal,
      })
      const bytes = await readBounded(answer.body, { maxBytes: MAX_ANSWER_BYTES, timeoutMs: TIMEOUT_MS })
      if (answer.statusCode >= 200 && answer.statusCode < 300) return parseJson(bytes, call.answer)
      const error = readError(bytes)
      const text = error?.message ?? `The control plane answered ${answer.statusCode}.`
      throw new ControlPlaneError(text, { status: answer.statusCode, error })
    } catch (error) {
      if (error instanceof ControlPlaneError) throw error
      throw new ControlPlaneError(`${call.method} ${call.path}: ${(error as Error).message}`)
    }
  }

  async function download(path: string): Promise<Buffer> {
    try {
      const answer = await request(`${options.origin}${path}`, {
        dispatcher,
        signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
      })
      const limits = { maxBytes: MAX_DOWNLOAD_BYTES, timeoutMs: DOWNLOAD_TIMEOUT_MS }
      const bytes = await readBounded(answer.body, limits)
      if (answer.statusCode === 200) return bytes
      const error = readError(bytes)
      const text = error?.message ?? `The control plane answered ${answer.statusCode}.`
      throw new ControlPlaneError(text, { status: answer.statusCode, error })
    } catch (error) {
      if (error instanceof ControlPlaneError) throw error
      throw new ControlPlaneError(`GET ${path}: ${(error as Error).message}`)
    }
  }

  return {
    call: (call) => send(call, null),
    download,
    async callSigned(toolboxId, call) {
      try {
        return await send(call, toolboxId)
      } catch (error) {
        const serverTime = error instanceof ControlPlaneError ? error.serverTime : null
        if (serverTime === null || (error as ControlPlaneError).code !== 'CLOCK_SKEW') throw error
        clockOffset = Date.parse(serverTime) - Date.now()
        return send(call, toolboxId)
      }
    },
    close: () => dispatcher.destroy(),
  }
}

function readError(bytes: Buffer): AgentError['error'] | null {
  try {
    return parseJson(bytes, AgentError).error
  } catch {
    return null
  }
}
