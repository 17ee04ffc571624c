import type { ServerResponse } from 'node:http'
import { LogFilter } from '#contracts/logs.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { InstanceLog, LogListener, LogQuery } from '#dtma/instances/instance-log.ts'
import { sendJson } from './respond.ts'

const DEFAULT_TAIL = 200
/** More than two files of 1 MiB hold. */
const MAX_TAIL = 50_000
/** An empty line now and then keeps proxies and time-outs from ending a quiet log. */
const KEEPALIVE_MS = 10_000
/** A reader that is this far behind is cut off rather than buffered for. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024

type LogRequest = { tail: number; follow: boolean; query: LogQuery }

/** What `tail`, `follow`, `after`, `search`, `level`, `since` and `until` ask for. Throws AgentFailure BAD_REQUEST naming the field. */
export function readLogRequest(params: URLSearchParams): LogRequest {
  const count = (name: string, digits: number) => {
    const value = params.get(name)
    if (value === null) return undefined
    if (!/^\d+$/.test(value) || value.length > digits)
      throw new AgentFailure('BAD_REQUEST', `"${name}" is a number.`)
    return Number(value)
  }
  const named = ['search', 'level', 'since', 'until'].flatMap((name) => {
    const value = params.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const filter = LogFilter.safeParse(Object.fromEntries(named))
  if (!filter.success) {
    const [issue] = filter.error.issues
    throw new AgentFailure('BAD_REQUEST', `"${issue?.path.join('.')}": ${issue?.message}`)
  }
  const after = count('after', 16)
  const follow = params.get('follow')
  return {
    tail: Math.min(count('tail', 6) ?? DEFAULT_TAIL, MAX_TAIL),
    follow: follow === '1' || follow === 'true',
    query: { ...filter.data, ...(after !== undefined && { after }) },
  }
}

/**
 * Answers the newest lines as one JSON document, or with `follow` as JSON lines that go on until either side ends. When some
 * after the position asked for are missing, `{ missed }` comes first.
 */
export async function streamLogs(
  log: InstanceLog,
  { tail, follow, query }: LogRequest,
  response: ServerResponse,
): Promise<void> {
  if (!follow) {
    const { lines } = await log.read(tail, undefined, query)
    return sendJson(response, 200, { lines })
  }
  const send = (text: string) => {
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy()
    else if (response.writable) response.write(text)
  }
  // Lines that come before the tail was sent wait for it.
  const early: string[] = []
  let open = false
  const listener: LogListener = (line) => {
    if (line === null) response.end()
    else if (open) send(`${JSON.stringify(line)}\n`)
    else early.push(`${JSON.stringify(line)}\n`)
  }
  const { lines, missed, unfollow } = await log.read(tail, listener, query)
  if (response.destroyed) return unfollow()
  const keepalive = setInterval(() => send('\n'), KEEPALIVE_MS)
  response.once('close', () => {
    clearInterval(keepalive)
    unfollow()
  })
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  response.flushHeaders()
  open = true
  if (missed !== 0) send(`${JSON.stringify({ missed })}\n`)
  for (const text of [...lines.map((line) => `${JSON.stringify(line)}\n`), ...early]) send(text)
}
