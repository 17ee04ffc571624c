import { asUpstreamError, UpstreamError } from '#gateway/upstream/error.ts'
import { getStream, readErrorBody, readMessages } from '#gateway/upstream/http.ts'
import { NoSessionsError, type UpstreamHandshake } from '#gateway/upstream/initialize.ts'
import { endpointOf } from '#gateway/upstream/target.ts'
import { type ChannelInput, NoStreamError } from './channel-input.ts'
import { keepSubscribed } from './keep-subscribed.ts'
import { listenStateless } from './listen-stateless.ts'

/**
 * Listens to what a server says unasked, in the era that it speaks, until the stream ends; 'changed' when it ended because other
 * resources are wanted. Throws NoStreamError, UpstreamError or the signal's reason.
 */
export async function listenOnce(input: ChannelInput): Promise<'ended' | 'changed'> {
  const { upstream, target, client } = input
  try {
    const era = await upstream.servers.era(target, client.era)
    if (era === 'modern') return await listenStateless(input)
    try {
      await listenWithSession(input)
      return 'ended'
    } catch (error) {
      if (!(error instanceof NoSessionsError) || !(await upstream.servers.hasNoSessions(target))) throw error
      return await listenStateless(input)
    }
  } catch (error) {
    input.signal.throwIfAborted()
    throw error instanceof NoStreamError ? error : asUpstreamError(error)
  }
}

/** Sessions that had a stream. */
const streamed = new WeakSet<UpstreamHandshake>()

async function listenWithSession(input: ChannelInput): Promise<void> {
  const { upstream, target, client, signal } = input
  const lease = await upstream.sessions.leaseForStream(target, client.use)
  const subscribed = keepSubscribed(lease, input.uris, signal)
  try {
    upstream.servers.noteCapabilities(target.instanceId, lease.session.capabilities)
    const endpoint = endpointOf(upstream.dispatchers, target, 'streams')
    const answer = await getStream(endpoint, lease.session, signal)
    if (answer.status === 404 || (answer.status === 400 && lease.session.id !== null)) {
      await readErrorBody(answer)
      // To a session whose stream it served before the server says that it is lost; to another, that it has no streams.
      if (!streamed.has(lease.session)) throw new NoStreamError()
      lease.lost()
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', `HTTP ${answer.status}`)
    }
    if (answer.status === 405) {
      await readErrorBody(answer)
      throw new NoStreamError()
    }
    if (answer.status !== 200 || !answer.streamed) {
      await readErrorBody(answer)
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', `HTTP ${answer.status}`)
    }
    streamed.add(lease.session)
    await subscribed.ready
    input.onOpen()
    for await (const { kind, message } of readMessages(answer)) {
      if (kind === 'notification') input.onNotification(message)
      else if (kind === 'request') input.onRequest?.(message, lease)
    }
  } finally {
    subscribed.stop()
    lease.release()
  }
}
