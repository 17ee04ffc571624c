import { describe, expect, it } from 'vitest'
import { createSseParser, encodeSse, readSse, SseTooLargeError } from './sse.ts'

const LIMIT = { maxEventChars: 1000 }

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield new TextEncoder().encode(part)
}

describe('readSse', () => {
  it('reads events over any chunk boundary and line ending', async () => {
    const text =
      '\uFEFF: hello\r\nevent: message\r\nid: 7\r\ndata: one\r\ndata: two\r\n\r\ndata:three\n\nretry: 50\rdata: four\r\r'
    const bytes = new TextEncoder().encode(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const events = []
      async function* halves() {
        yield bytes.subarray(0, cut)
        yield bytes.subarray(cut)
      }
      for await (const event of readSse(halves(), LIMIT)) events.push(event)
      expect(events).toEqual([
        { event: 'message', data: 'one\ntwo', id: '7', retry: null },
        { event: 'message', data: 'three', id: '7', retry: null },
        { event: 'message', data: 'four', id: '7', retry: 50 },
      ])
    }
  })

  it('drops an unfinished event at the end', async () => {
    const events = []
    for await (const event of readSse(chunks('data: a\n\n', 'data: b\n'), LIMIT)) events.push(event.data)
    expect(events).toEqual(['a'])
  })

  it('refuses an event that never ends', async () => {
    const endless = async () => {
      for await (const _ of readSse(chunks(...Array.from({ length: 20 }, () => 'x'.repeat(100))), LIMIT))
        void _
    }
    await expect(endless()).rejects.toBeInstanceOf(SseTooLargeError)
    expect(() => createSseParser(LIMIT).push(`data: ${'x'.repeat(600)}\n`.repeat(2))).toThrow(
      SseTooLargeError,
    )
  })
})

describe('encodeSse', () => {
  it('is read back as it was written', () => {
    const text = encodeSse({ event: 'message', id: '1', data: '{"a":1}\nsecond' })
    expect(createSseParser(LIMIT).push(text)).toEqual([
      { event: 'message', id: '1', data: '{"a":1}\nsecond', retry: null },
    ])
  })

  it('refuses line breaks in fields', () => {
    expect(() => encodeSse({ data: 'x', event: 'a\ndata: evil' })).toThrow(TypeError)
  })
})
