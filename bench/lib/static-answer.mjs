// What the upstreams of the benches answer, over HTTP and over stdio: as little work as an MCP server can have.

const PADDING = 'x'.repeat(64)

export const TOOLS = [
  {
    name: 'echo',
    description: `Says it again. ${PADDING}`,
    inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  },
]

const SERVER_INFO = { name: 'static', version: '1.0.0' }
const STATELESS = '2026-07-28'

/** The answer to one message; undefined for notifications. */
export function answerTo({ id, method, params = {} }) {
  if (id === undefined) return undefined
  const stateless = params._meta?.['io.modelcontextprotocol/protocolVersion'] === STATELESS
  const whole = stateless ? { resultType: 'complete' } : {}
  switch (method) {
    case 'tools/call': {
      const content = [{ type: 'text', text: `Echo: ${params.arguments?.message}` }]
      return { jsonrpc: '2.0', id, result: { ...whole, content } }
    }
    case 'tools/list':
      return {
        jsonrpc: '2.0',
        id,
        result: { ...whole, ...(stateless && { ttlMs: 60_000, cacheScope: 'private' }), tools: TOOLS },
      }
    case 'initialize':
      return {
        jsonrpc: '2.0',
        id,
        result: {
          protocolVersion: params.protocolVersion === STATELESS ? '2025-11-25' : params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: SERVER_INFO,
        },
      }
    case 'server/discover': {
      const cached = { ttlMs: 60_000, cacheScope: 'private' }
      const result = { ...whole, ...cached, supportedVersions: [STATELESS], capabilities: { tools: {} } }
      return { jsonrpc: '2.0', id, result }
    }
    case 'ping':
      return { jsonrpc: '2.0', id, result: {} }
    default:
      return { jsonrpc: '2.0', id, error: { code: -32_601, message: `Method not found: ${method}` } }
  }
}
