import { LATEST_SESSION_VERSION, SESSION_VERSIONS } from '#mcp/versions.ts'

/** Versions of MCP with `initialize` and streamable HTTP (which came with 2025-03-26), newest first. */
export const LEGACY_VERSIONS: readonly string[] = SESSION_VERSIONS.filter(
  (version) => version >= '2025-03-26',
)

/** The answer to a client's proposal: its own version when it is spoken here, the newest otherwise (specification, "Lifecycle"). */
export function negotiateVersion(proposed: string): string {
  return LEGACY_VERSIONS.includes(proposed) ? proposed : LATEST_SESSION_VERSION
}

/** For the header `MCP-Protocol-Version`, which old clients do not send. */
export function isSpoken(header: string | string[] | undefined): boolean {
  return header === undefined || (typeof header === 'string' && LEGACY_VERSIONS.includes(header))
}
