import { sendAside } from '#gateway/relay/answer-server.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import { asUpstreamError, UpstreamError } from '#gateway/upstream/error.ts'
import { getStream, postMessage, readErrorBody, readMessages } from '#gateway/upstream/http.ts'
import { NoSessionsError } from '#gateway/upstream/initialize.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import { endpointOf, type UpstreamTarget } from '#gateway/upstream/target.ts'
import { type RpcNotification, type RpcRequest, rpcRequest } from '#mcp/json-rpc.ts'
import { STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'

/** The server has no stream of its own: there is nothing to wait for. */
export class NoStreamError extends Error {}

export interface ChannelInput {
  upstream: Upstream
  target: UpstreamTarget
  client: ClientSide
  /** Resources to hear of. */
  uris: readonly string[]
  signal: AbortSignal
  onOpen: () => void
  onNotification: (message: RpcNotification) => void
  /** Requests of the server outside of any of ours. */
  onRequest?: (message: RpcRequest, lease: UpstreamLease) => void
}

/**
 * Listens to what a server says unasked, in the era that it speaks, until the stream ends. Throws NoStreamError, UpstreamError or the
 * signal's reason.
 */
export async function listenOnce(input: ChannelInput): Promise<void> {
  const { upstream, target, client } = input
  try {
    const era = await upstream.servers.era(target, client.era)
    if (era === 'modern') return await listenStateless(input)
    try {
      await listenWithSession(input)
    } catch (error) {
      if (!(error instanceof NoSessionsError) || !(await upstream.servers.hasNoSessions(target))) throw error
      await listenStateless(input)
    }
  } catch (error) {
    input.signal.throwIfAborted()
    throw error instanceof NoStreamError ? error : asUpstreamError(error)
  }
}

async function listenWithSession(input: ChannelInput): Promise<void> {
  const { upstream, target, client, signal } = input
  const lease = await upstream.sessions.leaseForStream(target, client.use)
  try {
    upstream.servers.noteCapabilities(target.instanceId, lease.session.capabilities)
    for (const uri of input.uris) sendAside(lease, rpcRequest(lease.nextId(), 'resources/subscribe', { uri }))
    const answer = await getStream(lease.endpoint, lease.session, signal)
    if (answer.status === 404 || (answer.status === 400 && lease.session.id !== null)) lease.lost()
    if (answer.status === 405) {
      await readErrorBody(answer)
      throw new NoStreamError()
    }
    if (answer.status !== 200 || !answer.streamed) {
      await readErrorBody(answer)
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', `HTTP ${answer.status}`)
    }
    input.onOpen()
    for await (const { kind, message } of readMessages(answer)) {
      if (kind === 'notification') input.onNotification(message)
      else if (kind === 'request') input.onRequest?.(message, lease)
    }
  } finally {
    lease.release()
  }
}

async function listenStateless({
  upstream,
  target,
  client,
  uris,
  signal,
  ...on
}: ChannelInput): Promise<void> {
  const method = 'subscriptions/listen'
  const notifications = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  }
  const answer = await postMessage(
    endpointOf(upstream.dispatchers, target),
    { id: null, protocolVersion: STATELESS_VERSION },
    rpcRequest(`listen-${++lastId}`, method, { _meta: client.envelope, notifications }),
    signal,
    standardHeaders(method, undefined),
  )
  if (answer.status !== 200 || !answer.streamed) {
    await readErrorBody(answer)
    if (answer.status === 404 || answer.status === 200) throw new NoStreamError()
    throw new UpstreamError('UPSTREAM_UNAVAILABLE', `HTTP ${answer.status}`)
  }
  for await (const { kind, message } of readMessages(answer)) {
    // Its acknowledgement is the first; from then on nothing is missed.
    if (kind === 'notification' && message.method === 'notifications/subscriptions/acknowledged') on.onOpen()
    else if (kind === 'notification') on.onNotification(message)
    else if (kind === 'response') throw new NoStreamError()
  }
}
let lastId = 0
