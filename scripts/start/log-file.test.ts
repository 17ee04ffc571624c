import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { errorOf, followLog, readable, rotateLog } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'toolberth-log-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('followLog', () => {
  it('hands on whole new lines, also after a truncation', async () => {
    const path = join(folder, 'a.log')
    writeFileSync(path, 'old\n')
    const seen: string[] = []
    const follower = followLog(path, (line) => seen.push(line))
    appendFileSync(path, 'one\ntw')
    await expect.poll(() => seen).toEqual(['one'])
    appendFileSync(path, 'o\n')
    await expect.poll(() => seen).toEqual(['one', 'two'])
    truncateSync(path, 0)
    appendFileSync(path, 'é\n')
    await expect.poll(() => seen).toEqual(['one', 'two', 'é'])
    follower.stop()
  })

  it('reads what was written last when it is stopped', () => {
    const path = join(folder, 'b.log')
    const seen: string[] = []
    const follower = followLog(path, (line) => seen.push(line))
    writeFileSync(path, 'late\n')
    follower.stop()
    expect(seen).toEqual(['late'])
  })
})

describe('rotateLog', () => {
  it('keeps one older generation of a log that grew too large', () => {
    const path = join(folder, 'c.log')
    writeFileSync(path, 'x'.repeat(1024))
    rotateLog(path)
    expect(statSync(path).size).toBe(1024)
    writeFileSync(path, Buffer.alloc(11 * 1024 * 1024))
    rotateLog(path)
    expect(statSync(path).size).toBe(0)
    expect(statSync(`${path}.1`).size).toBe(11 * 1024 * 1024)
    rotateLog(join(folder, 'none.log'))
  })
})

describe('log lines', () => {
  it('tells errors from the rest and shows both as words', () => {
    const error = JSON.stringify({ level: 50, msg: 'job failed', err: { message: 'no route' } })
    expect(errorOf(error)).toBe('job failed: no route')
    expect(errorOf(JSON.stringify({ level: 'fatal', msg: 'no key' }))).toBe('no key')
    expect(errorOf(JSON.stringify({ level: 'info', msg: 'fine' }))).toBeNull()
    expect(errorOf(JSON.stringify({ level: 30, msg: 'fine' }))).toBeNull()
    expect(errorOf('Error: plain text')).toBeNull()
    expect([error, '{"level":30,"msg":"fine"}', '{broken', 'text'].map(readable)).toEqual([
      'job failed: no route',
      'fine',
      '{broken',
      'text',
    ])
  })
})
