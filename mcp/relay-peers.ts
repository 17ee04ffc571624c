import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { isRpcFailure, RPC_CONNECTION_CLOSED, type RpcRequest } from './json-rpc.ts'
import type { RelayUser } from './relay-channel.ts'
import { createReply } from './relay-reply.ts'
import type { StatelessPeer } from './stateless-peer.ts'

/** A server that one user has for requests without a session. Rejects as `OpenChannel` does. */
export type OpenPeer = (listener: {
  user: RelayUser
  onClose: (reason: string) => void
}) => Promise<{ peer: StatelessPeer; close(): void }>

type Entry = { peer: StatelessPeer; openedAt: number; end: () => void }

export type RelayPeers = {
  /** False when the server does not speak the stateless era, so that nothing was answered. */
  serve(
    user: RelayUser,
    message: RpcRequest,
    headers: IncomingHttpHeaders,
    response: ServerResponse,
  ): Promise<boolean>
  /** Those that may be ended to make room, and how many there are. */
  entries(): Entry[]
  size(): number
}

/**
 * A server for each user (agent and credentials) of the stateless era, kept while it is used. Whether the server speaks that era is
 * learnt from its answer to `server/discover`; one that does not is not started for it again.
 */
export function createRelayPeers(options: {
  open: OpenPeer
  /** Throws when there is no room for another. */
  requireRoom(): void
}): RelayPeers {
  const opening = new Map<string, Promise<Entry>>()
  const open = new Map<string, Entry>()
  let speaks: boolean | null = null

  async function start(user: RelayUser): Promise<Entry> {
    options.requireRoom()
    let ended = false
    const forget = () => {
      ended = true
      open.delete(user.key)
    }
    const opened = await options.open({ user, onClose: forget })
    const entry = {
      peer: opened.peer,
      openedAt: Date.now(),
      end() {
        forget()
        opened.close()
      },
    }
    if (!ended) open.set(user.key, entry)
    return entry
  }

  /** Requests that come while it is started wait for the same one. */
  function entryOf(user: RelayUser): Promise<Entry> {
    const known = open.get(user.key)
    if (known !== undefined) return Promise.resolve(known)
    const started = opening.get(user.key) ?? start(user).finally(() => opening.delete(user.key))
    opening.set(user.key, started)
    return started
  }

  return {
    async serve(user, message, headers, response) {
      if (speaks === false) return false
      const entry = await entryOf(user)
      const reply = createReply(headers, response)
      if (message.method !== 'server/discover' || speaks === true) {
        await entry.peer.request(message, reply)
        return true
      }
      // What it refuses is not its last word: its sessions may be open to this client.
      const held = { ...reply, finish: () => undefined }
      const answer = await entry.peer.request(message, held)
      const failure = isRpcFailure(answer) ? answer.error.code : null
      if (failure === null) speaks = true
      if (failure === null || failure === RPC_CONNECTION_CLOSED) {
        reply.finish(answer)
        return true
      }
      speaks = false
      entry.end()
      return false
    },
    entries: () => [...open.values()],
    size: () => open.size + opening.size,
  }
}
