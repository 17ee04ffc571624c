import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import { type buildConnector, type Dispatcher, errors, request } from 'undici'
import type { z } from 'zod'
import {
  AgentError,
  AgentStatus,
  LogLines,
  type PutAgent,
  PutAgentAnswer,
  type PutInstance,
} from '#contracts/dtma.ts'
import { InstanceStatus } from '#contracts/instances.ts'
import type { LogFilter } from '#contracts/logs.ts'
import { BoundedHttpError, parseJson, readBounded } from '#protocol/bounded-http.ts'
import {
  createPinnedConnector,
  createPinnedDispatcher,
  PinMismatchError,
} from '#protocol/pinned-dispatcher.ts'
import { type IdentityName, loadControlIdentity } from '#server/toolboxes/identities.ts'
import { closeBreakers, refuseWhileOpen, throughBreaker } from './breaker.ts'
import { inLane } from './bulkhead.ts'
import { DtmaError } from './errors.ts'
import { takeTurn } from './rate-limit.ts'

/** Where an agent is and which key it holds. */
export interface ToolboxAddress {
  readonly id: string
  readonly url: string
  readonly certificate: string
}

/** A job step never waits on a toolbox for longer than this. */
export const CALL_TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

const dispatchers = new Map<string, { certificate: string; dispatcher: Dispatcher }>()

/** The pooled, pinned, mutually authenticated way to a toolbox. One per toolbox and identity; kept until the key changes. */
export async function dispatcherFor(
  toolbox: ToolboxAddress,
  identity: IdentityName = 'worker',
): Promise<Dispatcher> {
  const key = `${identity}:${toolbox.id}`
  const known = dispatchers.get(key)
  if (known?.certificate === toolbox.certificate) return known.dispatcher
  const clientIdentity = await loadControlIdentity(identity)
  const raced = dispatchers.get(key)
  if (raced?.certificate === toolbox.certificate) return raced.dispatcher
  const dispatcher = createPinnedDispatcher({
    serverCertificate: toolbox.certificate,
    clientIdentity,
    timeouts: { connect: 3_000, headers: 30_000, body: 60_000 },
  })
  dispatchers.set(key, { certificate: toolbox.certificate, dispatcher })
  if (raced) await raced.dispatcher.close()
  return dispatcher
}

const connectors = new Map<string, { certificate: string; connector: buildConnector.connector }>()

/** Makes connections to a toolbox, for whoever wants one of his own. */
export async function connectorFor(toolbox: ToolboxAddress): Promise<buildConnector.connector> {
  const known = connectors.get(toolbox.id)
  if (known?.certificate === toolbox.certificate) return known.connector
  const connector = createPinnedConnector({
    serverCertificate: toolbox.certificate,
    clientIdentity: await loadControlIdentity('worker'),
    timeouts: { connect: CALL_TIMEOUT_MS },
  })
  connectors.set(toolbox.id, { certificate: toolbox.certificate, connector })
  return connector
}

export async function closeDtmaClients(): Promise<void> {
  closeBreakers()
  const open = [...dispatchers.values()]
  dispatchers.clear()
  await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()))
}

/** What an agent runs. Throws DtmaError. */
export function getStatus(toolbox: ToolboxAddress): Promise<AgentStatus> {
  return call(toolbox, 'GET', '/v1/status', AgentStatus)
}

/** What to do when the toolbox is busy already: job steps do not wait, and come again after LaneFull. */
export interface CallOptions {
  readonly wait: boolean
}

/** The one mutation. Throws DtmaError; `agentCode` STALE_FENCE means that somebody newer has spoken. */
export function putInstance(
  toolbox: ToolboxAddress,
  id: string,
  body: PutInstance,
  options?: CallOptions,
): Promise<InstanceStatus> {
  return call(toolbox, 'PUT', `/v1/instances/${id}`, InstanceStatus, { ...options, body })
}

/** Tells an agent which build to run; it answers at once and says later what came of it. Throws DtmaError. */
export function putAgent(toolbox: ToolboxAddress, body: PutAgent): Promise<z.output<typeof PutAgentAnswer>> {
  return call(toolbox, 'PUT', '/v1/agent', PutAgentAnswer, { body })
}

/**
 * The last lines of an instance's log, redacted by the agent; with a filter, the last of those that pass it (agents of before
 * ignore it). Throws DtmaError.
 */
export async function getLogs(
  toolbox: ToolboxAddress,
  id: string,
  tail: number,
  options: CallOptions & { filter?: LogFilter } = { wait: true },
) {
  const query = new URLSearchParams({ tail: String(tail), ...options.filter })
  return (await call(toolbox, 'GET', `/v1/instances/${id}/logs?${query}`, LogLines, options)).lines
}

/**
 * Every call is idempotent (the mutation by its fence), so one whose connection broke, or that found the agent busy, is sent again,
 * with jitter, while its time lasts. One that nobody answered is not: it has had its time.
 */
const again = retry(handleWhen(isWorthAgain), {
  maxAttempts: 2,
  backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 500 }),
})

function isWorthAgain(error: unknown): boolean {
  return error instanceof DtmaError && (error.broken || error.agentCode === 'BUSY')
}

async function call<T extends z.ZodType>(
  toolbox: ToolboxAddress,
  method: 'GET' | 'PUT',
  path: string,
  schema: T,
  { wait = true, body }: Partial<CallOptions> & { body?: unknown } = {},
): Promise<z.output<T>> {
  refuseWhileOpen(toolbox)
  const bytes = await inLane(toolbox.id, wait, async () => {
    refuseWhileOpen(toolbox)
    // One time for all of it: turn, try and repetition.
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS)
    await takeTurn(toolbox.id, wait, signal)
    return throughBreaker(toolbox, wait, signal, () =>
      again.execute(() => send(toolbox, method, path, body, signal), signal),
    )
  })
  try {
    return parseJson(bytes, schema)
  } catch (error) {
    throw new DtmaError(
      'TOOLBOX_INTERNAL',
      `The answer to ${method} ${path} has an unknown form: ${(error as Error).message}`,
    )
  }
}

async function send(
  toolbox: ToolboxAddress,
  method: 'GET' | 'PUT',
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<Buffer> {
  let status: number
  let bytes: Buffer
  try {
    const answer = await request(new URL(path, toolbox.url), {
      method,
      dispatcher: await dispatcherFor(toolbox),
      signal,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    })
    status = answer.statusCode
    bytes = await readBounded(answer.body, { maxBytes: MAX_ANSWER_BYTES, timeoutMs: CALL_TIMEOUT_MS })
  } catch (error) {
    throw toDtmaError(toolbox, error)
  }
  if (status >= 300) throw refusal(toolbox, status, bytes)
  return bytes
}

export function refusal(toolbox: ToolboxAddress, status: number, bytes: Buffer): DtmaError {
  const said = errorIn(bytes)
  return new DtmaError(
    status >= 500 ? 'TOOLBOX_INTERNAL' : 'TOOLBOX_REFUSED',
    `${new URL(toolbox.url).host} answered ${status}${said ? ` ${said.code}: ${said.message}` : ''}`,
    { agentCode: said?.code ?? null },
  )
}

function errorIn(bytes: Buffer): AgentError['error'] | null {
  try {
    return parseJson(bytes, AgentError).error
  } catch {
    return null
  }
}

export function toDtmaError(toolbox: ToolboxAddress, error: unknown): DtmaError {
  if (error instanceof BoundedHttpError)
    return new DtmaError('TOOLBOX_INTERNAL', error.message, { cause: error })
  const { host } = new URL(toolbox.url)
  if (error instanceof PinMismatchError || (error as Error).cause instanceof PinMismatchError)
    return new DtmaError('TLS_FAILED', `${host} holds another key than the one pinned`, { cause: error })
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const timedOut = (error as Error).name === 'TimeoutError' || error instanceof errors.ConnectTimeoutError
  const why = timedOut
    ? `did not answer within ${CALL_TIMEOUT_MS / 1000} s`
    : code === 'ECONNREFUSED'
      ? 'refused the connection'
      : `could not be reached (${code || (error as Error).message})`
  return new DtmaError('TOOLBOX_UNREACHABLE', `${host} ${why}`, { cause: error, broken: !timedOut })
}
