import { AgentFailure } from '#dtma/agent-failure.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import type { RelayUser } from '#mcp/relay-channel.ts'
import { createSessionRelay, type SessionRelay } from '#mcp/session-relay.ts'
import { createStatelessPeer } from '#mcp/stateless-peer.ts'
import { createStdioChild } from '#mcp/stdio-bridge-child.ts'
import { createStdioChannel } from '#mcp/stdio-channel.ts'
import type { Child, Children } from './children.ts'

/** As the gateway ends its sessions, so that nothing outlives them. */
const LIFETIME_MS = 12 * 60 * 60_000
const REQUEST_MS = 15 * 60_000
const MAX_IN_FLIGHT = 64
const MAX_MESSAGE_CHARS = 4 * 1024 * 1024
/** Of a line on stdout that is no message; the log redacts it before it cuts it shorter. */
const MAX_CHATTER_CHARS = 64 * 1024

/** A process or container of its own for each session, and for each agent (with its credentials) in the stateless era. */
export function createIsolatedRelay(children: Children, idleMs: number): SessionRelay {
  async function open(user: RelayUser, onClose: (reason: string) => void): Promise<Child> {
    try {
      return await children.open(user, onClose)
    } catch (error) {
      if (!(error instanceof InstanceFailure)) throw error
      throw new AgentFailure('UPSTREAM_FAILED', `The MCP server could not be started: ${error.message}`)
    }
  }

  return createSessionRelay({
    maxSessions: Number.POSITIVE_INFINITY,
    full: () => children.full(),
    idleMs,
    lifetimeMs: LIFETIME_MS,
    requestTimeoutMs: REQUEST_MS,
    maxInFlight: MAX_IN_FLIGHT,
    async open({ user, onMessage, onClose }) {
      const child = await open(user, onClose)
      return createStdioChannel({
        ...child.stdio,
        maxMessageChars: MAX_MESSAGE_CHARS,
        onMessage,
        onChatter: (line) => chat(child, line),
        close: () => child.close(),
      })
    },
    async openPeer({ user, onClose }) {
      const child = await open(user, (reason) => {
        peer.close(reason)
        onClose(reason)
      })
      const peer = createStdioChild({
        ...child.stdio,
        maxMessageChars: MAX_MESSAGE_CHARS,
        onChatter: (line) => chat(child, line),
        onNotification: () => {},
      })
      return {
        peer: createStatelessPeer({
          child: peer,
          requestTimeoutMs: REQUEST_MS,
          maxInFlight: MAX_IN_FLIGHT,
        }),
        close() {
          peer.close('The MCP server was stopped.')
          child.close()
        },
      }
    },
  })
}

function chat(child: Child, line: string): void {
  child.log.write('stdout', line.slice(0, MAX_CHATTER_CHARS))
}
