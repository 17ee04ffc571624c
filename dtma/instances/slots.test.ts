import { expect, it } from 'vitest'
import { createSlots } from './slots.ts'

const never = new AbortController().signal

it('runs so many at a time, in order', async () => {
  const slots = createSlots(2)
  const started: number[] = []
  const ends: (() => void)[] = []
  const tasks = [0, 1, 2, 3].map((i) =>
    slots.run(never, () => {
      started.push(i)
      return new Promise<void>((resolve) => ends.push(resolve))
    }),
  )
  await Promise.resolve()
  expect(started).toEqual([0, 1])
  ends[1]?.()
  await tasks[1]
  await expect.poll(() => started).toEqual([0, 1, 2])
  ends[0]?.()
  ends[2]?.()
  await expect.poll(() => started).toEqual([0, 1, 2, 3])
  ends[3]?.()
  await Promise.all(tasks)
})

it('frees the place of one that leaves or fails', async () => {
  const slots = createSlots(1)
  const leaving = new AbortController()
  const { promise: blocked, resolve: unblock } = Promise.withResolvers<void>()
  const first = slots.run(never, () => blocked)
  const second = slots.run(leaving.signal, async () => 'second')
  const third = slots.run(never, async () => {
    throw new Error('third')
  })
  const fourth = slots.run(never, async () => 'fourth')
  leaving.abort(new Error('left'))
  await expect(second).rejects.toThrow('left')
  unblock()
  await first
  await expect(third).rejects.toThrow('third')
  expect(await fourth).toBe('fourth')
  await expect(slots.run(leaving.signal, async () => 'late')).rejects.toThrow('left')
})
