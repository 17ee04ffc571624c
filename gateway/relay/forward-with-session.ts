import { UpstreamError } from '#gateway/upstream/error.ts'
import { exchange } from '#gateway/upstream/exchange.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import {
  isRecord,
  type RpcId,
  type RpcNotification,
  type RpcParams,
  type RpcRequest,
  rpcNotification,
  rpcRequest,
} from '#mcp/json-rpc.ts'
import { META_PREFIX } from '#mcp/stateless.ts'
import { answerServer, sendAside } from './answer-server.ts'
import type { Attempt, Forwarded } from './forward-types.ts'

/** Over a session at the server. One that the server lost is made anew, and the request, which was not run then, sent once more. */
export async function forwardWithSession(input: Attempt): Promise<Forwarded> {
  for (let attempt = 0; ; attempt++) {
    input.signal.throwIfAborted()
    const lease = await input.upstream.sessions.lease(input.target, input.client.use, input.signal)
    input.upstream.servers.noteCapabilities(input.target.instanceId, lease.session.capabilities)
    try {
      const answer = await once(input, lease)
      if (answer !== 'session lost') return answer
      // A server that refuses the session did not run the call, so asking once more runs it once.
      lease.lost()
      if (attempt > 0) throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'session refused')
    } finally {
      lease.release()
    }
  }
}

async function once(input: Attempt, lease: UpstreamLease): Promise<Forwarded | 'session lost'> {
  const { client } = input
  const upstreamId = lease.nextId()
  const ownToken = progressTokenOf(input.params)
  let asking = 0
  let heard = false
  const onNotification = (message: RpcNotification) => relay(input, lease, message, { upstreamId, ownToken })
  const onRequest = (message: RpcRequest) => {
    asking++
    void answerServer(client, lease, message, input.signal).finally(() => asking--)
  }
  const channel = input.upstream.channels.enter(input.target, client, lease, {
    id: upstreamId,
    onNotification(message) {
      heard = true
      void onNotification(message)
    },
    onRequest,
  })
  try {
    await channel?.ready
    const answered = await exchange({
      endpoint: lease.endpoint,
      session: lease.session,
      message: rpcRequest(upstreamId, input.method, paramsWithSession(input.params, upstreamId)),
      signal: input.signal,
      timeoutMs: input.timeoutMs,
      onStream: () => client.streamSoon(),
      paused: () => asking > 0,
      heard() {
        const since = heard
        heard = false
        return since
      },
      onNotification,
      onRequest,
      onGivenUp: (reason) =>
        sendAside(lease, rpcNotification('notifications/cancelled', { requestId: upstreamId, reason })),
    })
    if (answered === 'session lost') return answered
    return { response: { ...answered.response, id: input.id }, status: 200 }
  } finally {
    channel?.leave()
  }
}

/** A progress token that no other agent's request has, and none of the words of the other era. */
function paramsWithSession(params: RpcParams | undefined, upstreamId: number): RpcParams | undefined {
  if (params === undefined) return params
  const { _meta: meta, inputResponses: _answers, requestState: _state, ...sent } = params
  if (!isRecord(meta)) return sent
  const kept: Record<string, unknown> = {}
  for (const key in meta) {
    if (!key.startsWith(META_PREFIX)) kept[key] = meta[key]
  }
  if (kept.progressToken !== undefined) kept.progressToken = upstreamId
  return { ...sent, _meta: kept }
}

function progressTokenOf(params: RpcParams | undefined): unknown {
  return isRecord(params?._meta) ? params._meta.progressToken : undefined
}

async function relay(
  { client, target, upstream }: Attempt,
  lease: UpstreamLease,
  message: RpcNotification,
  { upstreamId, ownToken }: { upstreamId: RpcId; ownToken: unknown },
): Promise<void> {
  switch (message.method) {
    case 'notifications/progress': {
      if (ownToken === undefined || message.params?.progressToken !== upstreamId) return
      const relayed = { ...message.params, progressToken: ownToken }
      return client.notify(rpcNotification('notifications/progress', relayed))
    }
    case 'notifications/message': {
      // Servers that never said that they log are not listened to.
      if (client.wantsLogs && lease.session.capabilities.logging !== undefined) await client.notify(message)
      return
    }
    case 'notifications/elicitation/complete':
      return client.notify(message)
    default:
      upstream.onChange(target, message)
  }
}
