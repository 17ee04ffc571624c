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

/** A class for the same reason as the reply of HTTP. */
class Detachable implements DetachableReply {
  #to: Reply | null = null
  #id: RpcId
  #streamed = false
  #finished = false
  #untaken: ((reply: Reply) => void) | null = null
  #earlierBytes = 0
  readonly #goneListeners: (() => void)[] = []
  #gone = false

  constructor(first: Reply, firstId: RpcId) {
    this.#id = firstId
    this.attach(first, firstId)
  }

  #tellGone(): void {
    this.#gone = true
    for (const listener of this.#goneListeners) listener()
  }
  #last(say: (reply: Reply) => void): void {
    if (this.#finished) return
    this.#finished = true
    if (this.#to === null) this.#untaken = say
    else say(this.#to)
  }
  /** Under the id of the request that is answered. */
  #addressed<T extends RpcMessage | string>(message: T): T {
    return typeof message === 'object' && 'id' in message && !('method' in message)
      ? { ...message, id: this.#id }
      : message
  }

  get attached(): boolean {
    return this.#to !== null
  }
  get finished(): boolean {
    return this.#finished
  }
  get streaming(): boolean {
    return this.#to?.streaming ?? false
  }
  get gone(): boolean {
    return this.#gone
  }
  get bodyBytes(): number {
    return this.#earlierBytes + (this.#to?.bodyBytes ?? 0)
  }

  onClientGone(listener: () => void): void {
    this.#goneListeners.push(listener)
    if (this.#gone) listener()
  }
  json(status: number, body: RpcMessage | string, headers?: Record<string, string>): void {
    this.#last((one) => one.json(status, this.#addressed(body), headers))
  }
  empty(status: number, headers?: Record<string, string>): void {
    this.#last((one) => one.empty(status, headers))
  }
  openStream(onTick?: () => void): void {
    this.#streamed = true
    this.#to?.openStream(onTick)
  }
  streamSoon(): void {
    this.#streamed = true
    this.#to?.streamSoon()
  }
  async send(message: RpcMessage): Promise<void> {
    // What is said while nobody asks is not kept: it is progress of the moment.
    await this.#to?.send(message)
  }
  finish(message: RpcMessage): void {
    this.#last((one) => one.finish(this.#addressed(message)))
  }
  end(): void {
    this.#last((one) => {
      one.openStream()
      one.end()
    })
  }

  attach(next: Reply, nextId: RpcId): void {
    this.#to = next
    this.#id = nextId
    this.#gone = false
    next.onClientGone(() => {
      if (this.#to === next) this.#tellGone()
    })
    if (this.#untaken !== null) {
      this.#untaken(next)
      this.#untaken = null
    } else if (this.#streamed) next.streamSoon()
  }
  detach(answer: (id: RpcId) => RpcMessage): void {
    const before = this.#to
    if (before === null) return
    // The end of this exchange is told later, and is none of the call's any more.
    before.finish(answer(this.#id))
    this.#to = null
    this.#earlierBytes += before.bodyBytes
  }
  abandon(): void {
    this.#untaken = null
    this.#tellGone()
  }
}

export function createDetachableReply(first: Reply, firstId: RpcId): DetachableReply {
  return new Detachable(first, firstId)
}
