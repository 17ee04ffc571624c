import { PROTOCOL_VERSIONS } from '#contracts/dtma.ts'

export type Negotiation = { ok: true; version: number } | { ok: false; message: string }

/**
 * Picks the highest protocol version that both sides speak. Each build speaks its own and the one before; otherwise the refusal
 * says in words which side has to be updated.
 */
export function negotiateProtocol(
  offered: readonly number[],
  supported: readonly number[] = PROTOCOL_VERSIONS,
): Negotiation {
  const common = offered.filter((version) => supported.includes(version))
  if (common.length > 0) return { ok: true, version: Math.max(...common) }
  const older = Math.max(...offered) < Math.min(...supported)
  const advice = older ? 'Update the agent on the toolbox.' : 'Update the control plane.'
  return {
    ok: false,
    message: `The agent speaks protocol ${list(offered)}, the control plane ${list(supported)}. ${advice}`,
  }
}

function list(versions: readonly number[]): string {
  return versions.length === 0 ? 'none' : versions.join(' and ')
}
