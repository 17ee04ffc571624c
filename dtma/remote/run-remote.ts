import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceError, InstanceErrorCode, InstanceSource } from '#contracts/instances.ts'
import type { ProbeFailure, ProbeFailureCode } from '#contracts/probe.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import type { RunnerContext } from '#dtma/instances/runner-types.ts'
import { createRedactor } from '#protocol/redact.ts'
import { headerSecrets } from './header-secrets.ts'
import { createRemoteServer, type RemoteServer } from './remote-server.ts'

/** For each stage of a handshake. */
const STAGE_MS = 10_000
/** A failure that may pass is given so many tries before the first start has failed, and before a running one counts as down. */
const FIRST_TRIES = 3
const PAUSE_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000
/** At least between two looks: calls that fail one after another do not ask for one each. */
const TROUBLE_MS = 2_000

type Source = Extract<InstanceSource, { type: 'remote' }>

/**
 * Passes calls on to a server that runs elsewhere until `signal` aborts, and looks again and again whether it still speaks MCP:
 * what is wrong with it is shown as `backoff` and goes by itself. Throws InstanceFailure when it never did.
 */
export async function runRemote(context: RunnerContext, source: Source, signal: AbortSignal): Promise<void> {
  const trouble = createBell()
  const remote = createRemoteServer({
    url: source.url,
    headers: source.headers,
    transport: context.record().spec?.transport === 'sse' ? 'sse' : 'streamable-http',
    allowed: context.remotes.allowed,
    onTrouble: trouble.ring,
  })
  const redactor = createRedactor(headerSecrets(source.headers))
  const asksUsers = (context.record().spec?.userHeaders ?? []).length > 0
  const check = (tries: number) =>
    checkRemote(remote, { tries, signal, asksUsers, redact: (text) => redactor.text(text) })
  try {
    context.show({ state: 'starting', phase: 'Connecting to the remote server', error: null, exitCode: null })
    if (context.record().everReady) context.setTarget({ kind: 'remote', remote })
    let result = await check(FIRST_TRIES)
    if (!result.ok && !context.record().everReady)
      throw new InstanceFailure(result.error.code, result.error.detail)
    if (result.ok) await context.markReady()
    // While it is down too: it may be back before the next look, and a call that fails says why.
    context.setTarget({ kind: 'remote', remote })
    for (let backoff = PAUSE_MS; ; ) {
      signal.throwIfAborted()
      if (result.ok) {
        backoff = PAUSE_MS
        showReady(context, result.version)
        await sleep(TROUBLE_MS, undefined, { signal })
        await trouble.wait(context.remotes.checkMs, signal)
      } else {
        showDown(context, result.error, backoff)
        await sleep(backoff, undefined, { signal })
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)
      }
      trouble.reset()
      result = await check(result.ok ? FIRST_TRIES : 1)
    }
  } finally {
    context.setTarget(null)
    await remote.close()
  }
}

function showReady(context: RunnerContext, version: string | null): void {
  if (context.view().state === 'running') return
  context.log.write('agent', 'Ready: the remote server answers.')
  context.show({
    state: 'running',
    phase: null,
    startedAt: new Date().toISOString(),
    resolvedVersion: version,
    error: null,
  })
}

function showDown(context: RunnerContext, error: InstanceError, backoff: number): void {
  const phase = `Trying again in ${backoff / 1000} s`
  if (context.view().state !== 'backoff')
    context.log.write('agent', `The remote server is down. ${error.detail}`)
  context.show({ state: 'backoff', phase, startedAt: null, error })
}

type Checked = { ok: true; version: string | null } | { ok: false; error: InstanceError }

async function checkRemote(
  remote: RemoteServer,
  {
    tries,
    signal,
    asksUsers,
    redact,
  }: { tries: number; signal: AbortSignal; asksUsers: boolean; redact: (text: string) => string },
): Promise<Checked> {
  for (let tried = 1; ; tried++) {
    const result = await remote.probe({ timeoutMs: STAGE_MS, signal })
    if (result.ok) return { ok: true, version: result.serverInfo.version || null }
    const { failure } = result
    // It is there, and asks for what its users bring.
    if (asksUsers && (failure.code === 'AUTH_REQUIRED' || failure.code === 'SERVER_FORBIDS'))
      return { ok: true, version: null }
    if (failure.definitive || tried >= tries) {
      const detail = redact(failure.detail ? `${failure.message} ${failure.detail}` : failure.message)
      return { ok: false, error: { code: codeOf(failure), detail: detail.slice(0, 4000) } }
    }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

/** The probe's word where it is said of the remote server; its own for what is between. */
const CODES: Record<ProbeFailureCode, InstanceErrorCode> = {
  CONNECTION_REFUSED: 'REMOTE_UNREACHABLE',
  DNS_FAILED: 'DNS_FAILED',
  REMOTE_ADDRESS_REFUSED: 'REMOTE_ADDRESS_REFUSED',
  TLS_FAILED: 'REMOTE_TLS_FAILED',
  PROBE_TIMEOUT: 'REMOTE_UNREACHABLE',
  AUTH_REQUIRED: 'AUTH_REQUIRED',
  SERVER_FORBIDS: 'SERVER_FORBIDS',
  ENDPOINT_NOT_FOUND: 'ENDPOINT_NOT_FOUND',
  NOT_AN_MCP_SERVER: 'NOT_AN_MCP_SERVER',
  // A control plane of before knows no word of its own for it.
  WRONG_CONTENT_TYPE: 'NOT_AN_MCP_SERVER',
  PROTOCOL_VERSION_UNSUPPORTED: 'PROTOCOL_VERSION_UNSUPPORTED',
  SERVER_EXITED: 'REMOTE_UNREACHABLE',
  UPSTREAM_UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
  PROTOCOL_ERROR: 'PROTOCOL_ERROR',
}

function codeOf(failure: ProbeFailure): InstanceErrorCode {
  const { code, httpStatus } = failure
  const redirects = code === 'ENDPOINT_NOT_FOUND' && httpStatus !== undefined && httpStatus < 400
  return redirects ? 'REMOTE_REDIRECTS' : CODES[code]
}

/** Something to wait for, with a time; rung before anybody waits it is heard all the same. */
function createBell() {
  let rung = Promise.withResolvers<void>()
  return {
    ring: () => rung.resolve(),
    reset: () => {
      rung = Promise.withResolvers<void>()
    },
    wait: async (ms: number, signal: AbortSignal): Promise<void> => {
      const over = new AbortController()
      const timer = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) })
      try {
        await Promise.race([timer, rung.promise])
      } finally {
        over.abort()
        await timer.catch(() => {})
      }
    },
  }
}
