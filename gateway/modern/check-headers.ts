import type { IncomingHttpHeaders } from 'node:http'
import type { RpcRequest } from '#mcp/json-rpc.ts'
import { type ParamHeader, paramText } from '#mcp/param-headers.ts'
import {
  decodeHeaderValue,
  HEADER_METHOD,
  HEADER_NAME,
  mcpName,
  RPC_HEADER_MISMATCH,
} from '#mcp/stateless.ts'
import type { Refusal } from './refusal.ts'

const DECIMAL = /^-?\d+(?:\.\d+)?$/

/** The headers that repeat method and name, so that what stands between and what serves agree on what is asked; null when they do. */
export function wrongStandardHeaders(
  headers: IncomingHttpHeaders,
  { method, params }: RpcRequest,
): Refusal | null {
  const said = headers[HEADER_METHOD]
  if (said === undefined) return mismatch(`The header Mcp-Method is missing: send ${quoted(method)}.`)
  if (said !== method)
    return mismatch(`The header Mcp-Method is ${quoted(said)}, and the body's method ${quoted(method)}.`)
  const name = mcpName(method, params)
  if (name === undefined) return null
  return wrongValue('Mcp-Name', headers[HEADER_NAME], name, (sent) => sent === name)
}

/** The headers `Mcp-Param-*` that a tool's schema asks for; null when they repeat its arguments. */
export function wrongParamHeaders(
  headers: IncomingHttpHeaders,
  wanted: readonly ParamHeader[],
  args: unknown,
): Refusal | null {
  for (const { path, header, type } of wanted) {
    const text = paramText(args, path)
    // What has no argument has no header to agree with.
    if (text === null) continue
    const isNumber = type === 'integer' || type === 'number'
    const wrong = wrongValue(header, headers[header], text, (sent) =>
      isNumber && DECIMAL.test(sent) ? Number(sent) === Number(text) : sent === text,
    )
    if (wrong !== null) return wrong
  }
  return null
}

function wrongValue(
  header: string,
  sent: string | string[] | undefined,
  wanted: string,
  agrees: (sent: string) => boolean,
): Refusal | null {
  if (sent === undefined) return mismatch(`The header ${header} is missing: the body says ${quoted(wanted)}.`)
  const decoded = typeof sent === 'string' ? decodeHeaderValue(sent) : null
  if (decoded === null) return mismatch(`The header ${header} is no base64 of UTF-8, though it says so.`)
  return agrees(decoded)
    ? null
    : mismatch(`The header ${header} is ${quoted(decoded)}, and the body says ${quoted(wanted)}.`)
}

function mismatch(text: string): Refusal {
  return { status: 400, code: RPC_HEADER_MISMATCH, text }
}

function quoted(value: unknown): string {
  return JSON.stringify(value).slice(0, 200)
}
