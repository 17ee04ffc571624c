import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { envelopeOf } from '#mcp/stateless.ts'
import type { Session } from './require-session.ts'

const NO_CAPABILITIES: Record<string, unknown> = {}

/**
 * The client of a session. One that declares nothing and asks for nothing shares a session at each server with the agent's others;
 * one that is asked, logs or subscribes has sessions of its own, for what it set is nobody else's.
 */
export function clientSide(
  context: GatewayContext,
  { reply, view }: Pick<AgentRequest, 'reply' | 'view'>,
  session: Session,
): ClientSide {
  const { logLevel, subscriptions } = session
  const capabilities = relayed(session.capabilities)
  const own = capabilities !== NO_CAPABILITIES || logLevel !== undefined || hasKeys(subscriptions)
  return {
    era: 'legacy',
    use: { key: own ? session.id : view.rights.agentId, capabilities, logLevel },
    capabilities,
    envelope: () => envelopeOf(capabilities, logLevel),
    wantsLogs: true,
    streamSoon: () => reply.streamSoon(),
    notify: (message) => reply.send(message),
    ask: (question, signal) =>
      context.questions.ask(
        session.id,
        question,
        async (request) => {
          await reply.send(request)
        },
        signal,
      ),
  }
}

/** What can be relayed; anything else a client declares (experiments, tasks) would be promised in vain. */
function relayed(declared: Record<string, unknown>): Record<string, unknown> {
  let found: Record<string, unknown> | null = null
  for (const name of ['elicitation', 'sampling', 'roots'] as const) {
    if (declared[name] === undefined) continue
    found ??= {}
    found[name] = declared[name]
  }
  return found ?? NO_CAPABILITIES
}

function hasKeys(record: Record<string, unknown>): boolean {
  for (const _ in record) return true
  return false
}
