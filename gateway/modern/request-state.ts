import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { isRecord, type RpcRequest } from '#mcp/json-rpc.ts'

/** Tells states of ours from those of servers, which pass through as they are. */
const PREFIX = 'toolberth.'

/** Which held call a retry goes on with. */
const HeldState = z.object({
  agentId: z.string(),
  callId: z.string(),
  /** The process that holds it. */
  heldBy: z.string(),
  /** Of the request that began the call. */
  requestId: z.union([z.string(), z.int()]),
  /** Of what was asked: the retry asks the same. */
  digest: z.string(),
})
export type HeldState = z.infer<typeof HeldState>

export interface RequestStates {
  seal(state: HeldState): string
  /** null: it was not made here, or changed on the way. */
  open(text: string): HeldState | null
}

/** `secret` is one that all replicas have, so that each reads what another wrote. */
export function createRequestStates(secret: string): RequestStates {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'toolberth:request-state', 32))
  const sign = (payload: string) => createHmac('sha256', key).update(payload).digest()
  return {
    seal(state) {
      const payload = Buffer.from(JSON.stringify(state)).toString('base64url')
      return `${PREFIX}${payload}.${sign(payload).toString('base64url')}`
    },
    open(text) {
      const [payload = '', signature = '', ...more] = text.slice(PREFIX.length).split('.')
      const wanted = sign(payload)
      const given = Buffer.from(signature, 'base64url')
      if (more.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
      return HeldState.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
    },
  }
}

/** The state that a retry brings back, if it is one of a held call. */
export function heldStateOf({ params }: RpcRequest): string | null {
  const state = params?.requestState
  return typeof state === 'string' && state.startsWith(PREFIX) ? state : null
}

/** Equal for a request and its retries: what they ask, without what belongs to one exchange. */
export function requestDigest({ method, params }: RpcRequest): string {
  const { _meta, inputResponses: _answers, requestState: _state, ...asked } = params ?? {}
  const text = JSON.stringify([method, asked], (_key, value: unknown) =>
    // A client may write its members in another order the second time.
    isRecord(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(text).digest('base64url')
}
