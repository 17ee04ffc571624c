import { UpstreamError } from '#gateway/upstream/error.ts'
import { postMessage, readErrorBody, readMessages } from '#gateway/upstream/http.ts'
import { endpointOf } from '#gateway/upstream/target.ts'
import { isRecord, isRpcFailure, type RpcNotification, rpcRequest } from '#mcp/json-rpc.ts'
import { META_SUBSCRIPTION_ID, STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'
import { type ChannelInput, NoStreamError } from './channel-input.ts'

const METHOD = 'subscriptions/listen'
const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
/** Ids are never used twice in this process. */
let lastId = 0

/** `subscriptions/listen` of 2026-07-28, until the stream ends or other resources are wanted, which takes a new one. */
export async function listenStateless(input: ChannelInput): Promise<'ended' | 'changed'> {
  const { uris, signal: outer } = input
  const change = new AbortController()
  const off = uris.onChange(() => change.abort())
  const signal = AbortSignal.any([outer, change.signal])
  try {
    if (!input.lists && uris.current().length === 0) await nothingWanted(input, signal)
    else await listen(input, signal)
    return 'ended'
  } catch (error) {
    if (change.signal.aborted && !outer.aborted) return 'changed'
    throw error
  } finally {
    off()
  }
}

async function nothingWanted({ onOpen }: ChannelInput, signal: AbortSignal): Promise<never> {
  signal.throwIfAborted()
  onOpen()
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function listen(input: ChannelInput, signal: AbortSignal): Promise<void> {
  const { upstream, target, client } = input
  const uris = input.uris.current()
  const notifications = {
    ...(input.lists && LISTS),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  }
  const answer = await postMessage(
    endpointOf(upstream.dispatchers, target, 'streams'),
    { id: null, protocolVersion: STATELESS_VERSION },
    rpcRequest(`listen-${++lastId}`, METHOD, { _meta: client.envelope(), notifications }),
    signal,
    standardHeaders(METHOD, undefined),
  )
  if (answer.status !== 200 || !answer.streamed) {
    await readErrorBody(answer)
    if (answer.status === 404 || answer.status === 200) throw new NoStreamError()
    throw new UpstreamError('UPSTREAM_UNAVAILABLE', `HTTP ${answer.status}`)
  }
  for await (const { kind, message } of readMessages(answer)) {
    // Its acknowledgement is the first; from then on nothing is missed.
    if (kind === 'notification' && message.method === 'notifications/subscriptions/acknowledged')
      input.onOpen()
    else if (kind === 'notification') input.onNotification(withoutOwnWords(message))
    else if (kind === 'response') {
      if (isRpcFailure(message)) throw new NoStreamError()
      return
    }
  }
}

/** The id of our own stream says nothing to whoever hears of it. */
function withoutOwnWords(message: RpcNotification): RpcNotification {
  if (!isRecord(message.params?._meta)) return message
  const { [META_SUBSCRIPTION_ID]: _id, ...meta } = message.params._meta
  return { ...message, params: { ...message.params, _meta: meta } }
}
