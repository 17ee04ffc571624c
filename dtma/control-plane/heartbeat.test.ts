import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Heartbeat } from '#contracts/dtma.ts'
import { createLogger } from '#dtma/logger.ts'
import { type HeartbeatLoop, startHeartbeats } from './heartbeat.ts'

const logger = createLogger('silent')
let loop: HeartbeatLoop | null = null

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  await loop?.stop()
  vi.useRealTimers()
})

function start(send: (beat: Heartbeat) => Promise<{ instances: never[] }>) {
  const failures: unknown[] = []
  const answers: number[] = []
  let stamp = 0
  loop = startHeartbeats({
    intervalSeconds: 15,
    logger,
    compose: async () => ({}) as Heartbeat,
    send,
    stamp: () => stamp++,
    onAnswer: async (_, at) => {
      answers.push(at)
    },
    onFailure: async (error) => {
      failures.push(error)
      return (error as { waitMs?: number }).waitMs ?? null
    },
  })
  return { loop, failures, answers }
}

it('beats at once, then regularly, counting up', async () => {
  const sequences: number[] = []
  const { answers } = start(async (beat) => {
    sequences.push(beat.sequence)
    return { instances: [] }
  })
  await vi.advanceTimersByTimeAsync(0)
  expect(sequences).toEqual([0])
  await vi.advanceTimersByTimeAsync(30_000)
  expect(sequences).toEqual([0, 1, 2])
  expect(answers).toEqual([0, 1, 2])
})

it('gathers changes, and beats again for one that came during a beat', async () => {
  let beats = 0
  let release = () => {}
  const { loop: heart } = start(async () => {
    beats++
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return { instances: [] }
  })
  await vi.advanceTimersByTimeAsync(0)
  for (let i = 0; i < 5; i++) heart.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(beats).toBe(1)
  release()
  await vi.advanceTimersByTimeAsync(150)
  expect(beats).toBe(2)
  release()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(beats).toBe(2)
  release()
})

it('goes on after failures, more slowly for changes', async () => {
  let beats = 0
  const { loop: heart, failures } = start(async () => {
    beats++
    throw new Error('away')
  })
  await vi.advanceTimersByTimeAsync(0)
  expect(failures).toHaveLength(1)
  heart.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(beats).toBe(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(beats).toBe(2)
})

it('waits as long as a refusal asks for', async () => {
  let beats = 0
  start(async () => {
    beats++
    throw Object.assign(new Error('gone'), { waitMs: 60_000 })
  })
  await vi.advanceTimersByTimeAsync(59_000)
  expect(beats).toBe(1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(beats).toBe(2)
})
