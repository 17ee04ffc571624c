import { storable } from '#contracts/names.ts'
import type { ProbeResult } from '#contracts/probe.ts'
import { carryUser, type UserGiven } from '#mcp/carry-user.ts'
import { type ProbeOptions, probeMcp } from '#mcp/probe.ts'
import { connectorFor, getStatus, type ToolboxAddress } from './client.ts'
import { DtmaError } from './errors.ts'

/** Milliseconds for each stage of a probe through the toolbox. */
export const STAGE_TIMEOUT_MS = 10_000

/** A whole MCP handshake with an instance over the very path that the gateway uses. Its answer can be kept by Postgres. */
export async function probeInstance(
  toolbox: ToolboxAddress,
  instanceId: string,
  options: Pick<ProbeOptions, 'onStage' | 'signal'> & {
    timeoutMs?: number
    /** What the user whose connection is tested has given. */
    user?: UserGiven
  } = {},
): Promise<ProbeResult> {
  const { user, ...rest } = options
  const result = storableAll(
    await probeMcp({
      url: new URL(`/v1/instances/${instanceId}/mcp`, toolbox.url).href,
      connector: await connectorFor(toolbox),
      direct: false,
      timeoutMs: STAGE_TIMEOUT_MS,
      ...rest,
      ...(user && { headers: carryUser(user) }),
    }),
  )
  if (result.ok || result.failure.code !== 'SERVER_EXITED') return result
  const exitCode = await exitCodeOf(toolbox, instanceId)
  return exitCode === null ? result : { ...result, failure: { ...result.failure, exitCode } }
}

/** What the toolbox knows of a process that has ended; null also when it does not answer, for the verdict stands without. */
async function exitCodeOf(toolbox: ToolboxAddress, instanceId: string): Promise<number | null> {
  try {
    const { instances } = await getStatus(toolbox)
    return instances.find(({ id }) => id === instanceId)?.exitCode ?? null
  } catch (error) {
    if (error instanceof DtmaError) return null
    throw error
  }
}

/** `storable` for every text inside, names of fields included: tools are what their server's author wrote. */
function storableAll<T>(value: T): T
function storableAll(value: unknown): unknown {
  if (typeof value === 'string') return storable(value)
  if (Array.isArray(value)) return value.map(storableAll)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storable(name), storableAll(one)]))
}
