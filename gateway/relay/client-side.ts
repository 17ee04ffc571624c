import type { Era } from '#gateway/upstream/servers.ts'
import type { SessionUse } from '#gateway/upstream/sessions.ts'
import { isRecord, type RpcNotification, type RpcParams, type RpcResponse } from '#mcp/json-rpc.ts'

/** What a server asks of a client while it works on the client's request. */
export interface Question {
  method: string
  params?: RpcParams
}

/** The client of one request, as a server gets to see it through us. */
export interface ClientSide {
  readonly era: Era
  /** Whose session it uses at servers that have sessions. */
  readonly use: SessionUse
  readonly capabilities: Record<string, unknown>
  /** Keys of `_meta` for servers of the stateless era; a client of that era has sent its own. */
  envelope(): Record<string, unknown>
  readonly wantsLogs: boolean
  /** The server streams: so does the answer, unless it comes at once. */
  streamSoon(): void
  /** Tells the client something before its answer. */
  notify(message: RpcNotification): Promise<void>
  /** Asks the client; null where it cannot be asked. Rejects with the signal's reason. */
  readonly ask: ((question: Question, signal: AbortSignal) => Promise<RpcResponse>) | null
}

/** What a client has to declare to be asked this; null for what no client can be asked. */
export function requiredCapability({ method, params }: Question): Record<string, object> | null {
  switch (method) {
    case 'elicitation/create':
      return { elicitation: params?.mode === 'url' ? { url: {} } : {} }
    case 'sampling/createMessage':
      return { sampling: params?.tools === undefined ? {} : { tools: {} } }
    case 'roots/list':
      return { roots: {} }
    default:
      return null
  }
}

/** Whether the client said that it answers this. */
export function declares(capabilities: Record<string, unknown>, question: Question): boolean {
  const required = Object.entries(requiredCapability(question) ?? {})
  return (
    required.length > 0 &&
    required.every(([name, parts]) => {
      const declared = capabilities[name]
      return isRecord(declared) && Object.keys(parts).every((part) => declared[part] !== undefined)
    })
  )
}

/** A client that is ourselves: nothing is relayed to anybody. */
export function ownSide(era: Era, use: SessionUse, envelope: Record<string, unknown>): ClientSide {
  return {
    era,
    use,
    envelope: () => envelope,
    capabilities: use.capabilities ?? {},
    wantsLogs: false,
    streamSoon() {},
    async notify() {},
    ask: null,
  }
}
