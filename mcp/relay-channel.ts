import type { RpcMessage } from './json-rpc.ts'

/** Whose a session is: it is opened with what this user has given, and nobody else may use it. */
export type RelayUser = {
  /** Equal for requests of one agent with equal credentials, and for nothing else. */
  key: string
  /** Null: the control plane's own look at the server. */
  agentId: string | null
  headers: Record<string, string>
  env: Record<string, string>
}

/** The way to a server that one session has for itself. */
export type RelayChannel = {
  /** Rejects with an Error in words when the message could not be handed over. */
  send(message: RpcMessage): Promise<void>
  /** Ends it; nothing is heard of it afterwards. */
  close(): void
}

/** Rejects when there is no way; what it rejects with is passed on to the caller of `handle`. */
export type OpenChannel = (listener: {
  user: RelayUser
  onMessage: (message: RpcMessage) => void
  onClose: (reason: string) => void
}) => Promise<RelayChannel>
