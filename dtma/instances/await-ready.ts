import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { InstanceFailure, type Run } from '#dtma/drivers/driver.ts'
import type { StdioBridge } from '#mcp/stdio-bridge.ts'

const POLL_MS = 200
/** One look at a port must not use up the whole time: some peers accept and then say nothing. */
const ANSWER_MS = 1_000

/** Resolves when the stdio server has answered `initialize`. Throws InstanceFailure NOT_AN_MCP_SERVER otherwise. */
export async function awaitInitialized(bridge: StdioBridge, timeoutMs: number): Promise<void> {
  try {
    await bridge.initialize(timeoutMs)
  } catch (error) {
    throw new InstanceFailure('NOT_AN_MCP_SERVER', (error as Error).message)
  }
}

/**
 * Resolves to the address at which the server's port answers HTTP; whether that is MCP is found out by the probe that follows.
 * Throws InstanceFailure SERVER_NOT_LISTENING after `timeoutMs`, or the signal's reason.
 */
export async function awaitListening(
  run: Run,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ host: string; port: number }> {
  if (run.listensOn === null) throw new Error('This run has no port.')
  const { hosts, port } = run.listensOn
  const end = Date.now() + timeoutMs
  while (Date.now() < end) {
    signal.throwIfAborted()
    if (await run.listening()) {
      for (const host of hosts) if (await answersHttp({ host, port, path })) return { host, port }
    }
    await sleep(POLL_MS, undefined, { signal })
  }
  throw new InstanceFailure(
    'SERVER_NOT_LISTENING',
    `Nothing of this server answered HTTP on port ${port} within ${timeoutMs / 1000} s.`,
  )
}

/** Any answer counts; its body is not read, for it may be a stream. */
function answersHttp(target: { host: string; port: number; path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ ...target, method: 'GET', agent: false, timeout: ANSWER_MS }, (answer) => {
      answer.destroy()
      resolve(true)
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(false))
    call.once('close', () => resolve(false))
    call.end()
  })
}
