import { expect, it } from 'vitest'
import type { CallRow } from '#server/calls/log.ts'
import { createCallLog } from './call-log.ts'

const call = (tool: string) => ({ tool }) as CallRow
const logger = { warn: () => {} }

it('writes a full batch at once, the rest after a while, and what is left when it closes', async () => {
  const batches: CallRow[][] = []
  const write = async (calls: CallRow[]) => void batches.push(calls)
  const log = createCallLog({ write, logger, everyMs: 50 })
  for (let n = 0; n < 501; n++) log.note(call(String(n)))
  await expect.poll(() => batches.map(({ length }) => length)).toEqual([500, 1])
  log.note(call('last'))
  await log.close(1000)
  expect(batches.flat().map(({ tool }) => tool)).toEqual([
    ...Array.from({ length: 501 }, (_, n) => String(n)),
    'last',
  ])
  expect(log).toMatchObject({ queued: 0, written: 502, dropped: 0 })
})

it('keeps what the database did not take, up to its bound, and counts what is lost', async () => {
  let away = true
  const written: CallRow[] = []
  const write = async (calls: CallRow[]) => {
    if (away) throw new Error('away')
    written.push(...calls)
  }
  const log = createCallLog({ write, logger, everyMs: 5, maxQueue: 2 })
  for (const tool of ['a', 'b', 'c']) log.note(call(tool))
  expect(log).toMatchObject({ queued: 2, dropped: 1 })
  away = false
  await expect.poll(() => written.map(({ tool }) => tool)).toEqual(['a', 'b'])
  await log.close(100)
})

it('does not wait for a database that hangs, and gives up rows that it refuses again and again', async () => {
  const hangs = createCallLog({ write: () => new Promise(() => {}), logger })
  hangs.note(call('a'))
  await hangs.close(20)
  expect(hangs).toMatchObject({ queued: 0, dropped: 1 })
  const refuses = createCallLog({
    write: () => Promise.reject(new Error('refused')),
    logger,
    everyMs: 1,
  })
  refuses.note(call('a'))
  await expect.poll(() => refuses.dropped).toBe(1)
  expect(refuses.queued).toBe(0)
})
