import type { Readable, Writable } from 'node:stream'
import { parseRpcMessage, RPC_INTERNAL_ERROR, type RpcId, type RpcMessage, rpcFailure } from './json-rpc.ts'
import { createLineReader } from './line-reader.ts'
import type { RelayChannel } from './relay-channel.ts'

/** A server that does not read its input may hold back this many bytes before further messages are refused. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024

/** A stdio server as the channel of one session: everything passes, in both directions, as it is. `close` is the caller's. */
export function createStdioChannel(options: {
  stdin: Writable
  stdout: Readable
  maxMessageChars: number
  onMessage(message: RpcMessage): void
  /** A line on stdout that is no MCP message. */
  onChatter(line: string): void
  close(): void
}): RelayChannel {
  const { stdin, stdout, maxMessageChars } = options
  const reader = createLineReader({
    maxChars: maxMessageChars,
    onLine(line) {
      const parsed = parseRpcMessage(line)
      if (parsed !== null) options.onMessage(parsed.message)
      else if (line.trim() !== '') options.onChatter(line)
    },
    onTooLong(head, tail) {
      options.onChatter(`[a line of more than ${maxMessageChars} characters was dropped] ${head}`)
      // Serialisers put the id first or last; found there, its request fails now rather than by its time-out.
      const id =
        /"id":\s*(\d+|"[^"\\]*")\s*\}\s*$/.exec(tail)?.[1] ??
        /^\{[^{[]*"id":\s*(\d+|"[^"\\]*")/.exec(head)?.[1]
      const reason = 'The answer of the MCP server is larger than this bridge relays.'
      if (id !== undefined) options.onMessage(rpcFailure(JSON.parse(id) as RpcId, RPC_INTERNAL_ERROR, reason))
    },
  })
  stdout.on('data', (chunk: Buffer) => reader.push(chunk))
  stdout.on('end', () => reader.end())
  // The end of the process is heard of elsewhere, and says more.
  stdout.on('error', () => {})
  stdin.on('error', () => {})

  return {
    async send(message) {
      if (!stdin.writable) throw new Error('The MCP server closed its input.')
      if (stdin.writableLength > MAX_UNREAD_BYTES) throw new Error('The MCP server does not read its input.')
      stdin.write(`${JSON.stringify(message)}\n`)
    },
    close: () => options.close(),
  }
}
