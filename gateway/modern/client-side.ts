import type { AgentRequest } from '#gateway/context.ts'
import { capabilitiesKey } from '#gateway/lists/backend-lists.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { envelopeOf, META_CLIENT_INFO } from '#mcp/stateless.ts'
import type { Envelope } from './envelope.ts'

/** Declarations that are remembered, so that equal ones are one object whose digest is known. */
const MAX_REMEMBERED = 1000
/** Declared by those that go on with a request later by other methods, which are not relayed. */
const TASKS = 'io.modelcontextprotocol/tasks'

const NO_CAPABILITIES: Record<string, unknown> = {}
const remembered = new Map<string, Record<string, unknown>>()

/** The client of one request. Requests that declare the same share a session at each server that has sessions. */
export function clientSide(
  { reply, view }: Pick<AgentRequest, 'reply' | 'view'>,
  { clientInfo, logLevel, ...declared }: Envelope,
  ask: ClientSide['ask'],
): ClientSide {
  const capabilities = relayed(declared.capabilities)
  const { agentId } = view.rights
  const own = capabilities !== NO_CAPABILITIES || logLevel !== undefined
  return {
    era: 'modern',
    use: {
      key: own ? `${agentId}/${capabilitiesKey(capabilities)}/${logLevel ?? ''}` : agentId,
      capabilities,
      logLevel,
    },
    capabilities,
    envelope() {
      const envelope = envelopeOf(capabilities, logLevel)
      return clientInfo === undefined ? envelope : { ...envelope, [META_CLIENT_INFO]: clientInfo }
    },
    wantsLogs: logLevel !== undefined,
    streamSoon: () => reply.streamSoon(),
    async notify(message) {
      // This era has no word for it: the client asks again by itself.
      if (message.method !== 'notifications/elicitation/complete') await reply.send(message)
    },
    ask,
  }
}

/** What can be relayed; anything else a client declares would be promised in vain. */
function relayed(declared: Record<string, unknown>): Record<string, unknown> {
  const { elicitation, sampling, roots, extensions } = declared
  const found = Object.fromEntries(
    Object.entries({ elicitation, sampling, roots, extensions: withoutTasks(extensions) }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  const text = JSON.stringify(found)
  if (text === '{}') return NO_CAPABILITIES
  const known = remembered.get(text)
  if (known !== undefined) return known
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(text, found)
  return found
}

function withoutTasks(extensions: unknown): unknown {
  if (typeof extensions !== 'object' || extensions === null) return undefined
  const { [TASKS]: _tasks, ...others } = extensions as Record<string, unknown>
  return Object.keys(others).length === 0 ? undefined : others
}
