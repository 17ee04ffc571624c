import { expect, it } from 'vitest'
import { createBreakers } from './breaker.ts'
import { CallStopped } from './call-registry.ts'
import { UpstreamError } from './upstream/error.ts'

const away = () => Promise.reject(new UpstreamError('TOOLBOX_UNREACHABLE', 'ECONNREFUSED'))
const codeOf = (call: Promise<unknown>) =>
  call.then(String, (error: UpstreamError) => error.code ?? error.name)

async function opened(openMs: number[]) {
  const breakers = createBreakers({ openMs })
  for (let n = 0; n < 5; n++) expect(await codeOf(breakers.run('one', away))).toBe('TOOLBOX_UNREACHABLE')
  expect(breakers.stateOf('one')).toBe('open')
  return breakers
}

it('opens after five calls in a row without an answer, says so at once, and leaves other instances alone', async () => {
  const breakers = await opened([60_000])
  let asked = 0
  const refused = await breakers.run('one', async () => asked++).catch((error: UpstreamError) => error)
  expect(refused).toMatchObject({ code: 'SERVER_FAILING', detail: expect.stringContaining('ECONNREFUSED') })
  expect((refused as UpstreamError).detail).toMatch(/tried again in \d+ s/)
  expect(asked).toBe(0)
  expect(await breakers.run('two', async () => 'answer')).toBe('answer')
  expect(breakers.counts()).toEqual({ closed: 1, 'half-open': 0, open: 1 })
})

it('lets one call through to try while others are refused, and closes when it is answered', async () => {
  const breakers = await opened([0])
  const trial = Promise.withResolvers<string>()
  const tried = breakers.run('one', () => trial.promise)
  expect(breakers.stateOf('one')).toBe('half-open')
  expect(await codeOf(breakers.run('one', async () => 'second'))).toBe('SERVER_FAILING')
  trial.resolve('answer')
  expect(await tried).toBe('answer')
  expect(breakers.stateOf('one')).toBe('closed')
})

it('stays open when the call that tries fails, or when its caller gives up', async () => {
  const breakers = await opened([0, 60_000])
  expect(await codeOf(breakers.run('one', away))).toBe('TOOLBOX_UNREACHABLE')
  expect(breakers.stateOf('one')).toBe('open')
  expect(await codeOf(breakers.run('one', async () => 'x'))).toBe('SERVER_FAILING')
  const givenUp = await opened([0, 60_000])
  await codeOf(givenUp.run('one', () => Promise.reject(new CallStopped('client-gone'))))
  expect(givenUp.stateOf('one')).toBe('open')
})

it('counts neither refusals nor callers that cancel, and begins anew with every answer', async () => {
  const breakers = createBreakers()
  for (let n = 0; n < 6; n++) {
    await codeOf(breakers.run('one', () => Promise.reject(new UpstreamError('SERVER_NOT_RUNNING'))))
    await codeOf(breakers.run('one', () => Promise.reject(new CallStopped('cancelled'))))
  }
  for (let n = 0; n < 4; n++) await codeOf(breakers.run('one', away))
  await breakers.run('one', async () => 'answer')
  for (let n = 0; n < 4; n++) await codeOf(breakers.run('one', away))
  expect(breakers.stateOf('one')).toBe('closed')
})
