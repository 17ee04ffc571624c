import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createRedactor } from '#protocol/redact.ts'
import { createInstanceLog } from './instance-log.ts'
import { logOutput } from './instance-log-output.ts'

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

it('gives positions that grow, also over a restart, a lost end and a clock that was set back', async () => {
  const log = open()
  for (let i = 0; i < 5; i++) log.write('stdout', String(i))
  await log.flush()
  const ahead = Date.now() * 1000 + 3_600_000_000
  const line = { at: new Date().toISOString(), stream: 'stdout', text: 'from ahead', seq: ahead }
  await appendFile(join(folder, 'current.ndjson'), `${JSON.stringify(line)}\n{"at":"cut in tw`)
  const again = open()
  again.write('stdout', '\nlast')
  again.write('stdout', 'very last')
  await again.flush()
  const seqs = (await open().read(100)).lines.map(({ seq }) => seq ?? 0)
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
  expect(new Set(seqs).size).toBe(seqs.length)
  expect(seqs.at(-1)).toBeGreaterThan(ahead)
})

it('goes on after a position, and says what is missing', async () => {
  const log = open()
  for (let i = 0; i < 10; i++) log.write('stdout', String(i))
  const all = (await log.read(100)).lines
  const after = all[3]?.seq ?? 0
  const rest = await log.read(100, undefined, { after })
  expect([rest.lines.map(({ text }) => text), rest.missed]).toEqual([['4', '5', '6', '7', '8', '9'], 0])
  const some = await log.read(2, undefined, { after })
  expect([some.lines.map(({ text }) => text), some.missed]).toEqual([['8', '9'], 4])
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 10; j++) log.write('stdout', 'x'.repeat(8000))
    await log.flush()
  }
  expect((await log.read(1, undefined, { after })).missed).toBeNull()
})

it('redacts what came in pieces, and leaves no half of a secret where a line is cut', async () => {
  const log = open()
  const stream = new PassThrough()
  logOutput(stream, 'stderr', log)
  for (const piece of ['key my-', 'sec', 'ret end\n', `${'y'.repeat(8 * 1024 - 4)}my-secret tail\n`])
    stream.write(piece)
  stream.end(`${'word '.repeat(38)}12345 my-secret ${'z'.repeat(70_000)}\n`)
  await expect.poll(async () => (await log.read(10)).lines.length).toBe(3)
  const texts = (await log.read(10)).lines.map(({ text }) => text)
  expect(texts[0]).toBe('key [redacted] end')
  for (const text of texts) expect(text).not.toContain('my-')
  expect(texts[1]).toMatch(/y\[red \[line cut\]$/)
  expect(texts[2]).toMatch(/^word .*\[line cut\]$/)
})
