import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseJson, readBounded, readJson } from './bounded-http.ts'

const limits = { maxBytes: 10, timeoutMs: 5_000 }

describe('readBounded', () => {
  it('joins chunks up to the limit', async () => {
    const body = Readable.from([Buffer.from('12345'), '67890'])
    expect((await readBounded(body, limits)).toString()).toBe('1234567890')
  })

  it('refuses more, without reading on', async () => {
    let read = 0
    const body = (async function* () {
      for (;;) {
        read++
        yield Buffer.alloc(6)
      }
    })()
    await expect(readBounded(body, limits)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(read).toBe(2)
  })

  it('gives up on a body that never ends', async () => {
    const body = new Readable({ read() {} })
    await expect(readBounded(body, { maxBytes: 10, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    body.destroy()
  })
})

describe('parseJson', () => {
  const schema = z.object({ a: z.int(), b: z.object({ c: z.string() }) })

  it('answers the parsed value', async () => {
    const body = Readable.from(['{"a":1,"b":{"c":"x"}}'])
    expect(await readJson(body, schema, { maxBytes: 100, timeoutMs: 1000 })).toEqual({ a: 1, b: { c: 'x' } })
  })

  it('names the fields that are wrong, never their values', () => {
    expect(() => parseJson('{"a":"secret","b":{}}', schema)).toThrow(/^a: .*; b\.c: /)
    expect(() => parseJson('{"a":"secret","b":{}}', schema)).not.toThrow(/"secret"/)
    expect(() => parseJson('{', schema)).toThrow('not JSON')
  })
})
