import type { ProbeResult } from '#contracts/probe.ts'
import { type ProbeOptions, probeMcp } from '#mcp/probe.ts'
import { dispatcherFor, type ToolboxAddress } from './client.ts'

/** Milliseconds for each stage of a probe through the toolbox. */
export const STAGE_TIMEOUT_MS = 10_000

/** A whole MCP handshake with an instance over the very path that the gateway uses. */
export async function probeInstance(
  toolbox: ToolboxAddress,
  instanceId: string,
  options: Pick<ProbeOptions, 'onStage' | 'signal'> & { timeoutMs?: number } = {},
): Promise<ProbeResult> {
  return probeMcp({
    url: new URL(`/v1/instances/${instanceId}/mcp`, toolbox.url).href,
    dispatcher: await dispatcherFor(toolbox),
    timeoutMs: STAGE_TIMEOUT_MS,
    ...options,
  })
}
