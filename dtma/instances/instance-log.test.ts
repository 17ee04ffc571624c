import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createRedactor } from '#protocol/redact.ts'
import { createInstanceLog } from './instance-log.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolberth-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = () => createInstanceLog(folder, createRedactor(['my-secret']))

it('keeps redacted lines over a restart', async () => {
  const log = open()
  log.write('stderr', 'hello my-secret')
  log.write('agent', 'Ready.')
  await log.flush()
  const { lines } = await open().read(10)
  expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
    ['stderr', 'hello [redacted]'],
    ['agent', 'Ready.'],
  ])
  expect((await open().read(1)).lines.map((line) => line.text)).toEqual(['Ready.'])
  expect((await open().read(0)).lines).toEqual([])
})

it('gives a follower every line once', async () => {
  const log = open()
  const got: (string | undefined)[] = []
  const write = (from: number, to: number) => {
    for (let i = from; i < to; i++) log.write('stdout', String(i))
  }
  write(0, 50)
  const reading = log.read(1000, (line) => got.push(line?.text))
  write(50, 100)
  const { lines, unfollow } = await reading
  write(100, 150)
  await log.flush()
  const all = [...lines.map((line) => line.text), ...got]
  expect(all).toEqual(Array.from({ length: 150 }, (_, i) => String(i)))
  unfollow()
  log.write('stdout', 'unheard')
  expect(got).not.toContain('unheard')
  await log.flush()
})

it('is bounded on disk and keeps the newest', async () => {
  const log = open()
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 10; j++) log.write('stdout', `${i}-${j} ${'x'.repeat(8000)}`)
    await log.flush()
  }
  const files = await readdir(folder)
  expect(files.sort()).toEqual(['current.ndjson', 'previous.ndjson'])
  for (const file of files) expect((await stat(join(folder, file))).size).toBeLessThan(1.2 * 1024 * 1024)
  const { lines } = await log.read(1)
  expect(lines[0]?.text.startsWith('39-9 ')).toBe(true)
})

it('asks a chatty writer to wait', async () => {
  const log = open()
  expect(log.drained()).toBeNull()
  for (let i = 0; i < 100; i++) log.write('stdout', 'x'.repeat(5000))
  const wait = log.drained()
  expect(wait).not.toBeNull()
  await wait
  expect(log.drained()).toBeNull()
  await log.flush()
})

it('is deleted, and tells its followers', async () => {
  const log = open()
  const got: unknown[] = []
  log.write('stdout', 'a')
  await log.read(0, (line) => got.push(line))
  await log.remove()
  expect(got).toEqual([null])
  expect(await readdir(folder).catch(() => [])).toEqual([])
})
