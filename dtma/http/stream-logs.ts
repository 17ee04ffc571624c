import type { ServerResponse } from 'node:http'
import type { InstanceLog } from '#dtma/instances/instance-log.ts'
import { sendJson } from './respond.ts'

export const DEFAULT_TAIL = 200
export const MAX_TAIL = 2_000
/** An empty line now and then keeps proxies and time-outs from ending a quiet log. */
const KEEPALIVE_MS = 10_000
/** A reader that is this far behind is cut off rather than buffered for. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024

/** Answers the newest lines as one JSON document, or with `follow` as JSON lines that go on until either side ends. */
export async function streamLogs(
  log: InstanceLog,
  query: { tail: number; follow: boolean },
  response: ServerResponse,
): Promise<void> {
  if (!query.follow) {
    const { lines } = await log.read(query.tail)
    return sendJson(response, 200, { lines })
  }
  const send = (text: string) => {
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy()
    else if (response.writable) response.write(text)
  }
  // Lines that come before the tail was sent wait for it.
  const early: string[] = []
  let open = false
  const { lines, unfollow } = await log.read(query.tail, (line) => {
    if (line === null) response.end()
    else if (open) send(`${JSON.stringify(line)}\n`)
    else early.push(`${JSON.stringify(line)}\n`)
  })
  if (response.destroyed) return unfollow()
  const keepalive = setInterval(() => send('\n'), KEEPALIVE_MS)
  response.once('close', () => {
    clearInterval(keepalive)
    unfollow()
  })
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  response.flushHeaders()
  open = true
  for (const text of [...lines.map((line) => `${JSON.stringify(line)}\n`), ...early]) send(text)
}
