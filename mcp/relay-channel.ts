import type { RpcMessage } from './json-rpc.ts'

/** The way to a server that one session has for itself. */
export type RelayChannel = {
  /** Rejects with an Error in words when the message could not be handed over. */
  send(message: RpcMessage): Promise<void>
  /** Ends it; nothing is heard of it afterwards. */
  close(): void
}

/** Rejects when there is no way; what it rejects with is passed on to the caller of `handle`. */
export type OpenChannel = (listener: {
  userHeaders: Record<string, string>
  onMessage: (message: RpcMessage) => void
  onClose: (reason: string) => void
}) => Promise<RelayChannel>
