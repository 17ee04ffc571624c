import type { z } from 'zod'
import { Refusal } from './digitalocean-answers.ts'
import { admitRequest, pauseRequests } from './limit-requests.ts'
import { CloudError } from './provider.ts'

/** After a 429 that does not say how long. */
const LIMITED_MS = 30_000
/** No 429 keeps us quiet for longer than this at once: DigitalOcean's window is an hour, and a slip of its clock must not stop us. */
const LONGEST_PAUSE_MS = 60 * 60_000

/** What dots-wrapper (axios under it) throws. */
interface Thrown {
  message?: string
  code?: string
  response?: { status: number; data: unknown; headers: Record<string, unknown> }
}

/**
 * One request through the client, counted, bounded and checked. `what` names it in messages. Null: 404, where `missing` is true.
 * Throws CloudError, which holds nothing of the client's own error: that one carries the token.
 */
export async function request<T>(
  what: string,
  options: { answer: z.ZodType<T>; timeoutMs: number; missing?: boolean },
  send: () => Promise<{ data: unknown }>,
): Promise<T | null> {
  await admitRequest()
  let data: unknown
  try {
    data = (await bounded(send(), options.timeoutMs)).data
  } catch (thrown) {
    const { response } = thrown as Thrown
    if (response?.status === 404 && options.missing === true) return null
    throw await toCloudError(what, thrown as Thrown)
  }
  const parsed = options.answer.safeParse(data)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  // It may have done what was asked, so this is not a refusal.
  throw new CloudError(
    'failed',
    `${what}: the answer cannot be read (${issue?.path.join('.')}: ${issue?.message})`,
  )
}

/** axios' own time-out does not cover a connection that is never made. */
async function bounded<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs + 500)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function toCloudError(what: string, thrown: Thrown): Promise<CloudError> {
  const { response } = thrown
  if (!response)
    return new CloudError('unanswered', `${what}: ${thrown.code ?? thrown.message ?? 'no answer'}`)
  const refusal = Refusal.safeParse(response.data)
  const said = refusal.success ? `: ${refusal.data.message.slice(0, 500)}` : ''
  const message = `${what}: DigitalOcean answered ${response.status}${said}`
  if (response.status === 401 || response.status === 403) return new CloudError('unauthorized', message)
  if (response.status === 429) {
    const wait = waitOf(response.headers)
    await pauseRequests(wait)
    return new CloudError('limited', message, wait)
  }
  return new CloudError(response.status >= 500 || response.status === 408 ? 'failed' : 'refused', message)
}

/** `retry-after` (seconds or a date), else when `ratelimit-reset` (Unix seconds) says that there is room again. */
export function waitOf(headers: Record<string, unknown>, now = Date.now()): number {
  const given = headers['retry-after']
  const after = typeof given === 'string' || typeof given === 'number' ? String(given) : ''
  const reset = Number(headers['ratelimit-reset'] ?? Number.NaN)
  const asked = /^\d+$/.test(after)
    ? Number(after) * 1000
    : after
      ? Date.parse(after) - now
      : reset * 1000 - now
  return Number.isFinite(asked) && asked > 0 ? Math.min(asked, LONGEST_PAUSE_MS) : LIMITED_MS
}
