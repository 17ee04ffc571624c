import type { Bus } from '#gateway/bus.ts'
import type { Reply } from '#gateway/reply.ts'
import { describeFailure, UpstreamError } from '#gateway/upstream/error.ts'
import type { RpcId, RpcMessage } from '#mcp/json-rpc.ts'

/** The other replica hears this often that the call goes on, milliseconds. */
export const BEAT_MS = 5000
/** A message over Redis reaches every replica, so a larger one is not sent, characters. */
const MAX_MESSAGE = 8 * 1024 * 1024

/** The reply to a request that another replica has in hand. That its client went is said by a cancellation. */
export function createRemoteReply(bus: Pick<Bus, 'publish'>, replyTo: string, id: RpcId): Reply {
  let streaming = false
  let ended = false
  let bodyBytes = 0
  const beat = () => bus.publish({ kind: 'told', replyTo, message: null })
  const beats = setInterval(beat, BEAT_MS)
  beat()

  function last(outcome: { status?: number; headers?: Record<string, string>; body?: RpcMessage | string }) {
    if (ended) return
    ended = true
    clearInterval(beats)
    const text = JSON.stringify(outcome.body ?? '')
    bodyBytes += text.length
    const fits = text.length <= MAX_MESSAGE
    const tooLarge = { body: describeFailure(id, 'call', new UpstreamError('PAYLOAD_TOO_LARGE')) }
    bus.publish({ kind: 'resumed', replyTo, outcome: fits ? outcome : tooLarge })
  }

  return {
    get streaming() {
      return streaming
    },
    // Its client is the other replica's, which says so by a cancellation.
    gone: false,
    get bodyBytes() {
      return bodyBytes
    },
    onClientGone() {},
    json: (status, body, headers) => last({ status, body, ...(headers !== undefined && { headers }) }),
    empty: (status) => last({ status }),
    openStream() {
      streaming = true
    },
    streamSoon() {},
    async send(message) {
      bus.publish({ kind: 'told', replyTo, message })
    },
    finish: (body) => last({ body }),
    end: () => last({}),
  }
}
