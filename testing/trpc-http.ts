import { ErrorAnswer } from '#contracts/errors.ts'

export type ProcedureType = 'query' | 'mutation' | 'subscription'

export interface HttpAnswer {
  status: number
  /** `data.toolberth` of an error, checked against its contract; null when it succeeded. */
  error: ErrorAnswer | null
  text: string
}

interface Definition {
  type: ProcedureType
  meta?: { permission?: unknown }
}

const ORIGIN = 'http://localhost:3000'

/** Procedures of the router with how they are asked and who may ask. */
export async function procedures(): Promise<{ path: string; type: ProcedureType; permission: unknown }[]> {
  const { appRouter } = await import('#server/trpc/router.ts')
  const byPath = appRouter._def.procedures as unknown as Record<string, { _def: Definition }>
  return Object.entries(byPath).map(([path, { _def }]) => ({
    path,
    type: _def.type,
    permission: _def.meta?.permission,
  }))
}

/** One call as it comes over HTTP. `body` is the JSON text; with `input` superjson's envelope is put round it. */
export async function callHttp(
  { path, type }: { path: string; type: ProcedureType },
  request: { key?: string | undefined; input?: unknown; body?: string },
): Promise<HttpAnswer> {
  const body = request.body ?? JSON.stringify({ json: request.input })
  const query = type === 'mutation' ? '' : `?input=${encodeURIComponent(body)}`
  return sendHttp(`/api/trpc/${path}${query}`, {
    method: type === 'mutation' ? 'POST' : 'GET',
    headers: {
      'content-type': 'application/json',
      ...(request.key !== undefined && { authorization: `Bearer ${request.key}` }),
    },
    ...(type === 'mutation' && { body }),
  })
}

/** Any request to the tRPC endpoint. Reads an event stream only as far as its first message. */
export async function sendHttp(path: string, init: RequestInit & { duplex?: 'half' }): Promise<HttpAnswer> {
  const { handleTrpc } = await import('#server/trpc/handle.ts')
  const ending = new AbortController()
  const response = await handleTrpc(new Request(ORIGIN + path, { signal: ending.signal, ...init }))
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    const text = await response.text()
    return { status: response.status, error: errorIn(text), text }
  }
  const message = await firstMessage(response)
  ending.abort()
  const failed = /^event: serialized-error$/m.test(message)
  const text = /^data: (.*)$/m.exec(message)?.[1] ?? ''
  const error = failed ? errorIn(`{"error":${text}}`) : null
  return { status: error ? statusOf(text) : response.status, error, text: message }
}

async function firstMessage(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const whole = text.split('\n\n').slice(0, -1)
    const message = whole.find((one) => /^event: serialized-error|^id: /m.test(one))
    if (message !== undefined) return message
  }
  return text
}

function errorIn(text: string): ErrorAnswer | null {
  const answer = JSON.parse(text) as { error?: unknown } | { error?: unknown }[]
  const [first] = Array.isArray(answer) ? answer : [answer]
  if (first?.error === undefined) return null
  const { json } = first.error as { json: { data: { toolberth: unknown } } }
  return ErrorAnswer.parse(json.data.toolberth)
}

/** A stream's refusal has its status inside. */
function statusOf(text: string): number {
  return (JSON.parse(text) as { json: { data: { httpStatus: number } } }).json.data.httpStatus
}
