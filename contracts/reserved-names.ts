/** Names of variables that the agent sets itself, or that would change how the server process is loaded. */
export const RESERVED_ENV = new Set([
  'HOME',
  'PATH',
  'TMPDIR',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
])

/** Headers that are the protocol's, the connection's or ours: a user's value would change what is asked, or of whom. */
const RESERVED_HEADER =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-.*|accept|accept-encoding|expect|origin|cookie|mcp-.*|toolberth-.*|last-event-id)$/i

export const isReservedHeader = (name: string): boolean => RESERVED_HEADER.test(name)
