/** JSON-RPC 2.0 error codes (specification, section 5.1) and the two that MCP's SDKs add for a lost or slow peer. */
export const RPC_PARSE_ERROR = -32700
export const RPC_INVALID_REQUEST = -32600
export const RPC_METHOD_NOT_FOUND = -32601
export const RPC_INVALID_PARAMS = -32602
export const RPC_INTERNAL_ERROR = -32603
export const RPC_CONNECTION_CLOSED = -32000
export const RPC_REQUEST_TIMEOUT = -32001

export type RpcId = string | number
export type RpcParams = Record<string, unknown>

export type RpcRequest = { jsonrpc: '2.0'; id: RpcId; method: string; params?: RpcParams }
export type RpcNotification = { jsonrpc: '2.0'; method: string; params?: RpcParams }
export type RpcResult = { jsonrpc: '2.0'; id: RpcId; result: Record<string, unknown> }
export type RpcError = { code: number; message: string; data?: unknown }
export type RpcFailure = { jsonrpc: '2.0'; id: RpcId | null; error: RpcError }
export type RpcResponse = RpcResult | RpcFailure
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

/** A message together with what it is, so that callers switch on `kind`. */
export type ClassifiedMessage =
  | { kind: 'request'; message: RpcRequest }
  | { kind: 'notification'; message: RpcNotification }
  | { kind: 'response'; message: RpcResponse }

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** MCP allows strings and integers as ids; `null` (allowed by JSON-RPC) is not allowed for requests. */
export function isRpcId(value: unknown): value is RpcId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
}

/** Says what a parsed JSON value is, or `null` when it is no JSON-RPC 2.0 message of MCP. Unknown members are kept. */
export function classifyMessage(value: unknown): ClassifiedMessage | null {
  if (!isRecord(value) || value.jsonrpc !== '2.0') return null
  if (typeof value.method === 'string') {
    if (value.params !== undefined && !isRecord(value.params)) return null
    if (value.id === undefined) return { kind: 'notification', message: value as RpcNotification }
    return isRpcId(value.id) ? { kind: 'request', message: value as RpcRequest } : null
  }
  if (isRecord(value.error)) {
    const { code, message } = value.error
    if (typeof code !== 'number' || typeof message !== 'string') return null
    const known = isRpcId(value.id) || value.id === null || value.id === undefined
    return known ? { kind: 'response', message: { id: null, ...value } as RpcFailure } : null
  }
  return isRecord(value.result) && isRpcId(value.id)
    ? { kind: 'response', message: value as RpcResult }
    : null
}

/** Parses one JSON text and classifies it; `null` when it is no JSON or no message. */
export function parseRpcMessage(text: string): ClassifiedMessage | null {
  try {
    return classifyMessage(JSON.parse(text))
  } catch {
    return null
  }
}

export function isRpcFailure(response: RpcResponse): response is RpcFailure {
  return 'error' in response
}

export function rpcRequest(id: RpcId, method: string, params?: RpcParams): RpcRequest {
  return params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params }
}

export function rpcNotification(method: string, params?: RpcParams): RpcNotification {
  return params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params }
}

export function rpcResult(id: RpcId, result: Record<string, unknown>): RpcResult {
  return { jsonrpc: '2.0', id, result }
}

/** `id` is null when the request could not be read. */
export function rpcFailure(id: RpcId | null, code: number, message: string, data?: unknown): RpcFailure {
  return { jsonrpc: '2.0', id, error: data === undefined ? { code, message } : { code, message, data } }
}
