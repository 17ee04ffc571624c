import { request } from 'undici'
import { classifyNetworkError } from '#mcp/errors.ts'
import type { Identity } from '#protocol/identity.ts'
import { createPinnedDispatcher } from '#protocol/pinned-dispatcher.ts'
import { createLimit } from './limit-concurrency.ts'

/** Somebody watches the enrolment. */
const EVERY_MS = 1000
/** One toolbox, milliseconds; a slow one does not hold up the others. */
const TIMEOUT_MS = 5000
const AT_ONCE = 8

export interface DialBackInput {
  identity: Identity
  /** Toolboxes that enrolled and that the gateway has not reached yet. */
  list: () => Promise<{ id: string; url: string; certificate: string }[]>
  record: (result: {
    toolbox: { id: string; url: string; certificate: string }
    identity: 'gateway'
    ok: boolean
    error?: string
  }) => Promise<void>
  /** Told of errors of `list` and `record`; a toolbox that does not answer is none. */
  onError: (error: unknown) => void
  everyMs?: number
}

/** Calls enrolling toolboxes back under the address they advertised, until stopped. `stop` waits for the calls under way. */
export function startDialBack(input: DialBackInput): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const limit = createLimit(AT_ONCE)
  const busy = new Map<string, Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> = Promise.resolve()

  async function lookAround(): Promise<void> {
    try {
      for (const toolbox of await input.list()) {
        if (stopping.signal.aborted || busy.has(toolbox.id)) continue
        const dialled = limit(() => dialOne(toolbox)).catch(input.onError)
        busy.set(toolbox.id, dialled)
        void dialled.then(() => busy.delete(toolbox.id))
      }
    } catch (error) {
      input.onError(error)
    }
    if (!stopping.signal.aborted) timer = setTimeout(next, input.everyMs ?? EVERY_MS)
  }
  function next(): void {
    round = lookAround()
  }

  async function dialOne(toolbox: { id: string; url: string; certificate: string }): Promise<void> {
    const error = await dial(toolbox.url, toolbox.certificate, input.identity, stopping.signal)
    if (stopping.signal.aborted) return
    await input.record({
      toolbox,
      identity: 'gateway',
      ok: error === null,
      ...(error === null ? {} : { error }),
    })
  }

  next()
  return {
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await round
      await Promise.all(busy.values())
    },
  }
}

/** `null` when the toolbox answered, otherwise in words why not, with address and port. */
async function dial(
  url: string,
  certificate: string,
  identity: Identity,
  stop: AbortSignal,
): Promise<string | null> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const { host } = new URL(url)
  const dispatcher = createPinnedDispatcher({
    serverCertificate: certificate,
    clientIdentity: identity,
    timeouts: { connect: TIMEOUT_MS },
  })
  try {
    const healthz = `${url.replace(/\/+$/, '')}/healthz`
    const { statusCode, body } = await request(healthz, {
      dispatcher,
      signal: AbortSignal.any([stop, timeout]),
    })
    await body.dump()
    return statusCode === 200 ? null : `${host} answered with HTTP ${statusCode} instead of 200.`
  } catch (error) {
    if (timeout.aborted) return `${host} did not answer within ${TIMEOUT_MS / 1000} s.`
    const network = classifyNetworkError(error)
    if (network === null) return `${host} could not be called.`
    if (network.code === 'PIN_MISMATCH')
      return `${host} is answered by another machine than the one that enrolled.`
    return `${host} ${SAID[network.failure]} (${network.code}).`
  } finally {
    await dispatcher.destroy()
  }
}

const SAID = {
  refused: 'refuses connections',
  dns: 'cannot be resolved',
  tls: 'makes no TLS connection',
  timeout: 'does not answer',
  closed: 'closes the connection at once',
} as const
