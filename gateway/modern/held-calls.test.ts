import { describe, expect, it } from 'vitest'
import type { Reply } from '#gateway/reply.ts'
import { type RpcMessage, type RpcRequest, rpcResult } from '#mcp/json-rpc.ts'
import { createHeldCalls } from './held-calls.ts'
import { createRequestStates, requestDigest } from './request-state.ts'

const CALL: RpcRequest = {
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'add', arguments: {} },
}
const FORM = { method: 'elicitation/create', params: { message: 'Who?' } }
const NEVER = new AbortController().signal
const states = createRequestStates('a secret of all replicas')

/** What an exchange was answered with. */
function exchange() {
  const said: (RpcMessage | string)[] = []
  const reply: Reply = {
    streaming: false,
    gone: false,
    bodyBytes: 0,
    onClientGone() {},
    json: (_status, body) => void said.push(body),
    empty() {},
    openStream() {},
    streamSoon() {},
    async send() {},
    finish: (message) => void said.push(message),
    end: () => void said.push('end'),
  }
  return { reply, said }
}

function heldCalls(answerWithinMs?: number) {
  const calls = createHeldCalls({ states, processId: 'p', answerWithinMs })
  return {
    calls,
    /** A call of the agent whose server has asked, and whose client was told so. */
    asking: async (agentId = 'a') => {
      const { reply, said } = exchange()
      const call = calls.begin(agentId, CALL, reply)
      const answered = call.ask(FORM, NEVER)
      return { call, said, answered }
    },
    resume: (callId: string, answers: object, agentId = 'a') => {
      const next = exchange()
      const found = calls.resume({
        agentId,
        callId,
        answers: { ...answers },
        to: () => next.reply,
        requestId: 'next',
      })
      return { found, said: next.said }
    },
  }
}

describe('a held call', () => {
  it('keeps an answer that came while nobody asked for whoever goes on with it', async () => {
    const { asking, resume, calls } = heldCalls()
    const { call, said } = await asking()
    await expect.poll(() => said.length).toBe(1)
    call.reply.finish(rpcResult(7, { content: [] }))
    call.ended()
    expect(calls.size).toBe(1)
    expect(resume(call.id, {}).said).toEqual([rpcResult('next', { content: [] })])
    expect(calls.size).toBe(0)
    expect(resume(call.id, {}).found).toBe(false)
  })

  it('goes on for its own agent, and for one exchange at a time', async () => {
    const { asking, resume } = heldCalls()
    const { call, said, answered } = await asking()
    await expect.poll(() => said.length).toBe(1)
    expect(resume(call.id, { 1: { action: 'accept' } }, 'another').found).toBe(false)
    expect(resume(call.id, { 1: { action: 'accept' } }).found).toBe(true)
    expect(resume(call.id, { 1: { action: 'cancel' } }).found).toBe(false)
    expect(await answered).toMatchObject({ result: { action: 'accept' } })
  })

  it('is given up when its client does not come back', async () => {
    const { asking, calls } = heldCalls(1)
    const { call } = await asking()
    const gone = Promise.withResolvers<void>()
    call.reply.onClientGone(gone.resolve)
    await gone.promise
    expect(calls.size).toBe(0)
  })

  it('asks no more than a bounded number of an agent’s calls', async () => {
    const { asking, calls } = heldCalls()
    for (let index = 0; index < 32; index++) await asking()
    const { answered } = await asking()
    expect(await answered).toMatchObject({ error: { message: expect.stringContaining('too much') } })
    expect(calls.size).toBe(32)
    await asking('another')
    expect(calls.size).toBe(33)
  })
})

describe('the state of a held call', () => {
  const state = { agentId: 'a', callId: 'c', heldBy: 'p', requestId: 7, digest: 'd' }

  it('is read by all who share the secret, and by nobody else', () => {
    const sealed = states.seal(state)
    expect(createRequestStates('a secret of all replicas').open(sealed)).toEqual(state)
    expect(createRequestStates('another').open(sealed)).toBeNull()
    for (const changed of [`${sealed}x`, sealed.slice(0, -1), `${sealed}.x`, 'toolberth.', 'toolberth.e30.'])
      expect(states.open(changed)).toBeNull()
  })

  it('fits the request and its retries, in any order of members, and no other', () => {
    const retry = {
      ...CALL,
      id: 8,
      params: { arguments: {}, requestState: 's', inputResponses: {}, name: 'add' },
    }
    expect(requestDigest(retry)).toBe(requestDigest(CALL))
    const nested = (args: object) => requestDigest({ ...CALL, params: { name: 'add', arguments: args } })
    expect(nested({ a: { b: 1, c: [1, 2] } })).toBe(nested({ a: { c: [1, 2], b: 1 } }))
    expect(nested({ a: [1, 2] })).not.toBe(nested({ a: [2, 1] }))
    expect(nested({})).not.toBe(nested({ a: 1 }))
  })
})
