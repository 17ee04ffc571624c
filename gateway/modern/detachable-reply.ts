import type { Reply } from '#gateway/reply.ts'
import type { RpcId, RpcMessage } from '#mcp/json-rpc.ts'

/** The reply of a call that outlives the exchange it began in: what it says goes to whichever request asks for it now. */
export interface DetachableReply extends Reply {
  readonly attached: boolean
  /** The last message was said, to somebody or to nobody yet. */
  readonly finished: boolean
  /** From now on to this one, under this id. A last message that nobody took is said at once. */
  attach(to: Reply, id: RpcId): void
  /** Answers whoever waits, and lets the call go on. */
  detach(answer: (id: RpcId) => RpcMessage): void
  /** Nobody will ask any more. */
  abandon(): void
}

export function createDetachableReply(first: Reply, firstId: RpcId): DetachableReply {
  let to: Reply | null = null
  let id = firstId
  let streamed = false
  let finished = false
  let untaken: ((reply: Reply) => void) | null = null
  let earlierBytes = 0
  const goneListeners: (() => void)[] = []
  let gone = false
  const tellGone = () => {
    gone = true
    for (const listener of goneListeners) listener()
  }

  function last(say: (reply: Reply) => void): void {
    if (finished) return
    finished = true
    if (to === null) untaken = say
    else say(to)
  }
  /** Under the id of the request that is answered. */
  const addressed = <T extends RpcMessage | string>(message: T): T =>
    typeof message === 'object' && 'id' in message && !('method' in message) ? { ...message, id } : message

  const reply: DetachableReply = {
    get attached() {
      return to !== null
    },
    get finished() {
      return finished
    },
    get streaming() {
      return to?.streaming ?? false
    },
    get gone() {
      return gone
    },
    get bodyBytes() {
      return earlierBytes + (to?.bodyBytes ?? 0)
    },
    onClientGone(listener) {
      goneListeners.push(listener)
      if (gone) listener()
    },
    json: (status, body, headers) => last((one) => one.json(status, addressed(body), headers)),
    empty: (status, headers) => last((one) => one.empty(status, headers)),
    openStream(onTick) {
      streamed = true
      to?.openStream(onTick)
    },
    streamSoon() {
      streamed = true
      to?.streamSoon()
    },
    async send(message) {
      // What is said while nobody asks is not kept: it is progress of the moment.
      await to?.send(message)
    },
    finish: (message) => last((one) => one.finish(addressed(message))),
    end: () =>
      last((one) => {
        one.openStream()
        one.end()
      }),
    attach(next, nextId) {
      to = next
      id = nextId
      gone = false
      next.onClientGone(() => {
        if (to === next) tellGone()
      })
      if (untaken !== null) {
        untaken(next)
        untaken = null
      } else if (streamed) next.streamSoon()
    },
    detach(answer) {
      const before = to
      if (before === null) return
      // The end of this exchange is told later, and is none of the call's any more.
      before.finish(answer(id))
      to = null
      earlierBytes += before.bodyBytes
    },
    abandon() {
      untaken = null
      tellGone()
    },
  }
  reply.attach(first, firstId)
  return reply
}
