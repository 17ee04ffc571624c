import { describe, expect, it } from 'vitest'
import { type ClassifiedMessage, classifyMessage, type RpcRequest } from '#mcp/json-rpc.ts'
import { paramHeaders } from '#mcp/param-headers.ts'
import { META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_VERSION } from '#mcp/stateless.ts'
import { wrongParamHeaders, wrongStandardHeaders } from './check-headers.ts'
import { classifyEra } from './classify.ts'

const VERSION = '2026-07-28'
const META = { [META_VERSION]: VERSION, [META_CLIENT_CAPABILITIES]: {} }
const NAMED = { 'mcp-protocol-version': VERSION }

function message(change: object): ClassifiedMessage {
  const classified = classifyMessage({ jsonrpc: '2.0', ...change })
  if (classified === null) throw new Error('not a message')
  return classified
}
const request = (meta?: object, method = 'tools/list') =>
  message({ id: 1, method, ...(meta && { params: { _meta: meta } }) })

describe('a message is one', () => {
  it.each([
    ['of sessions, without a version in its body', {}, request(), 'legacy'],
    ['of sessions, by an older header', { 'mcp-protocol-version': '2025-11-25' }, request(), 'legacy'],
    ['of sessions, as it begins one', {}, request(undefined, 'initialize'), 'legacy'],
    ['of sessions, with other keys of _meta', {}, request({ progressToken: 1 }), 'legacy'],
    ['of sessions, as it answers', {}, message({ id: 1, result: {} }), 'legacy'],
    ['without a session', NAMED, request(META), 'modern'],
    ['without a session, also "initialize"', NAMED, request(META, 'initialize'), 'modern'],
    ['without a session, as a notification by its header', NAMED, message({ method: 'x' }), 'modern'],
    ['that is none, as an answer without a session', NAMED, message({ id: 1, result: {} }), 'refused'],
  ] as const)('%s', (_, headers, classified, era) => {
    expect(classifyEra(headers, classified).era).toBe(era)
  })
})

describe('a request without a session is refused', () => {
  const other = { ...META, [META_VERSION]: '2031-01-01' }
  it.each([
    ['without _meta', NAMED, request(), -32602, META_VERSION],
    ['without its version', NAMED, request({ ...META, [META_VERSION]: undefined }), -32602, META_VERSION],
    ['without capabilities', NAMED, request({ [META_VERSION]: VERSION }), -32602, META_CLIENT_CAPABILITIES],
    [
      'with a name for a client',
      NAMED,
      request({ ...META, [META_CLIENT_INFO]: 'x' }),
      -32602,
      META_CLIENT_INFO,
    ],
    ['with an unknown level', NAMED, request({ ...META, [META_LOG_LEVEL]: 'loud' }), -32602, 'emergency'],
    ['without the header', {}, request(META), -32020, 'missing'],
    [
      'with another version in the header',
      { 'mcp-protocol-version': '2025-11-25' },
      request(META),
      -32020,
      VERSION,
    ],
    ['with another version in the body', NAMED, request(other), -32020, '2031-01-01'],
    ['that would begin one', NAMED, request(undefined, 'initialize'), -32020, 'session'],
  ] as const)('%s', (_, headers, classified, code, words) => {
    const found = classifyEra(headers, classified)
    expect(found).toMatchObject({ era: 'refused', refusal: { status: 400, code } })
    expect(JSON.stringify(found)).toContain(words)
  })

  it('in a version that is not spoken, with those that are', () => {
    expect(classifyEra({ 'mcp-protocol-version': '2031-01-01' }, request(other))).toMatchObject({
      refusal: { status: 400, code: -32022, data: { supported: [VERSION], requested: '2031-01-01' } },
    })
  })
})

const call = (name: string): RpcRequest => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })

describe('headers that repeat the body', () => {
  it.each([
    ['a call', { 'mcp-method': 'tools/call', 'mcp-name': 'add' }, call('add')],
    ['a name in base64', { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?w7ZsIQ==?=' }, call('öl!')],
    ['a method without a name', { 'mcp-method': 'tools/list' }, { ...call('x'), method: 'tools/list' }],
  ])('agree for %s', (_, headers, body) => expect(wrongStandardHeaders(headers, body)).toBeNull())

  it.each([
    ['Mcp-Method is missing', {}],
    ['Mcp-Method is \\"tools/list\\"', { 'mcp-method': 'tools/list' }],
    ['Mcp-Name is missing', { 'mcp-method': 'tools/call' }],
    ['Mcp-Name is \\"Add\\"', { 'mcp-method': 'tools/call', 'mcp-name': 'Add' }],
    ['Mcp-Name is no base64', { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?a?=' }],
  ])('%s', (words, headers) => {
    const wrong = wrongStandardHeaders(headers, call('add'))
    expect(wrong).toMatchObject({ status: 400, code: -32020 })
    expect(JSON.stringify(wrong)).toContain(words)
  })

  it('agree with the arguments that the tool’s schema names', () => {
    const at = (type: string, header: string) => ({ type, 'x-mcp-header': header })
    const place = { type: 'object', properties: { city: at('string', 'City') } }
    const wanted = paramHeaders({
      type: 'object',
      properties: { region: at('string', 'Region'), count: at('integer', 'Count'), place },
    })
    const args = { region: 'eu', count: 42, place: { city: 'Graz' } }
    const headers = { 'mcp-param-region': 'eu', 'mcp-param-count': '42.0', 'mcp-param-city': 'Graz' }
    expect(wrongParamHeaders(headers, wanted, args)).toBeNull()
    expect(wrongParamHeaders({ 'mcp-param-region': 'eu' }, wanted, { region: 'eu', count: null })).toBeNull()
    expect(wrongParamHeaders(headers, wanted, { ...args, region: 'us' })).toMatchObject({ code: -32020 })
    expect(wrongParamHeaders({ ...headers, 'mcp-param-count': '43' }, wanted, args)).toMatchObject({
      status: 400,
    })
    expect(wrongParamHeaders({}, wanted, args)?.text).toContain('mcp-param-region is missing')
  })
})
