import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { isAlive, recordOf } from '#scripts/processes/identity.ts'
import { startChild } from './child.ts'
import { takeLock } from './lock.ts'
import { endLeftovers, ProcessRegister } from './process-register.ts'
import { plainProgress } from './progress.ts'
import { Unit, type UnitSpec } from './unit.ts'

const folder = mkdtempSync(join(tmpdir(), 'toolberth-start-'))
const lines: string[] = []
const units: Unit[] = []

afterEach(async () => {
  for (const unit of units.splice(0)) await unit.stop()
  lines.length = 0
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A supervised Node program that is ready once it prints "up". */
function unitOf(code: string, stopMs = 5_000): Unit {
  const logFile = join(folder, `child-${units.length}-${Math.trunc(performance.now())}.log`)
  const start = (signal: AbortSignal) =>
    startChild(
      {
        name: 'child',
        args: ['--eval', code],
        cwd: folder,
        env: process.env,
        logFile,
        isReady: (output) => output.includes('up'),
        stopMs,
        onSpawn: () => undefined,
        onEnd: () => undefined,
      },
      signal,
    )
  const spec: UnitSpec = { name: 'child', logFile, start, force: 'SIGKILL' }
  const unit = new Unit(
    spec,
    plainProgress((line) => lines.push(line)),
  )
  units.push(unit)
  return unit
}

/** Prints the pid of a child it leaves in its process group. */
const WITH_CHILD = `
  const { spawn } = require('node:child_process')
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  require('node:fs').writeFileSync(process.cwd() + '/grandchild', String(child.pid))
  console.log('up')
  setInterval(() => {}, 1000)`
const grandchild = () => Number(readFileSync(join(folder, 'grandchild'), 'utf8'))

describe('a supervised process', () => {
  it('is restarted after a crash, with its last lines shown and what it left behind ended', async () => {
    const unit = unitOf(WITH_CHILD)
    await unit.start()
    const [first, left] = [unit.pid ?? 0, grandchild()]
    process.kill(first, 'SIGKILL')
    await expect.poll(() => unit.pid, { timeout: 20_000 }).not.toBe(first)
    await expect.poll(() => unit.pid, { timeout: 20_000 }).toBeGreaterThan(0)
    expect(lines[0]).toMatch(
      /^child ended \(signal SIGKILL\), restarting in 1 s; its last lines \(log: .*\):\n {4}up$/,
    )
    expect(lines[1]).toBe('child runs again')
    expect(isAlive(left)).toBe(false)
    expect(isAlive(unit.pid ?? 0)).toBe(true)
  })

  it('ends with its process group when stopped, even if it ignores SIGTERM', async () => {
    const unit = unitOf(`process.on('SIGTERM', () => {});${WITH_CHILD}`, 200)
    await unit.start()
    const pids = [unit.pid ?? 0, grandchild()]
    await unit.stop()
    expect(pids.map(isAlive)).toEqual([false, false])
    expect(lines).toEqual([])
  })

  it('says in one line why it did not start, with the error and not the stack', async () => {
    const unit = unitOf(`console.log('warming'); throw new Error('no such key')`)
    await expect(unit.start()).rejects.toThrow(/^child ended while starting: Error: no such key \(log: .*\)$/)
    const logged = unitOf(
      `console.log(JSON.stringify({ level: 60, msg: 'refused', err: { message: 'as superuser' } }))`,
    )
    await expect(logged.start()).rejects.toThrow(/refused: as superuser/)
  })

  it('can be stopped in the middle of its start', async () => {
    const unit = unitOf('setInterval(() => {}, 1000)')
    const starting = unit.start().then(
      () => 'started',
      (error: Error) => error.name,
    )
    await unit.stop()
    expect(await starting).toBe('AbortError')
  })
})

describe('leftovers', () => {
  it('ends what a killed run wrote down with its groups, and never a process that only has the pid', async () => {
    const path = join(folder, 'processes.json')
    const unit = unitOf(WITH_CHILD)
    await unit.start()
    const left = unit.pid ?? 0
    const register = new ProcessRegister(path)
    register.add('worker', left)
    const entries = JSON.parse(readFileSync(path, 'utf8')) as object
    const recycled = { ...recordOf(process.pid), startedAt: 'earlier' }
    writeFileSync(
      path,
      JSON.stringify({ ...entries, web: recycled, gone: { pid: 99_999_999, startedAt: 'x' } }),
    )
    const ending = unit.stop()
    await endLeftovers(path, (line) => lines.push(line))
    await ending
    // SIGKILL is delivered, not awaited: a busy machine takes a moment to carry it out.
    await expect.poll(() => [left, grandchild()].map(isAlive)).toEqual([false, false])
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({})
  })

  it('finds the group of a leader that is gone already', async () => {
    const path = join(folder, 'orphans.json')
    const leader = spawn(process.execPath, ['--eval', WITH_CHILD], {
      cwd: folder,
      detached: true,
      stdio: 'ignore',
    })
    rmSync(join(folder, 'grandchild'), { force: true })
    await expect.poll(() => existsSync(join(folder, 'grandchild')) && grandchild() > 0).toBe(true)
    new ProcessRegister(path).add('dtma', leader.pid ?? 0)
    const gone = new Promise((resolve) => leader.once('exit', resolve))
    leader.kill('SIGKILL')
    await gone
    expect(isAlive(grandchild())).toBe(true)
    await endLeftovers(path, (line) => lines.push(line))
    await expect.poll(() => isAlive(grandchild())).toBe(false)
    expect(lines).toEqual([])
  })
})

describe('the lock of a home', () => {
  it('is held by one process, tells the others who, and is free after its release', async () => {
    const path = join(folder, 'lock')
    const lock = await takeLock(path, 'http://localhost:3000')
    expect(await takeLock(path, 'second')).toEqual({
      holder: expect.objectContaining({ pid: process.pid, note: 'http://localhost:3000' }),
    })
    if ('release' in lock) lock.release()
    const again = await takeLock(path, 'third')
    expect(again).toHaveProperty('release')
    if ('release' in again) again.release()
  })

  it.each([
    ['whose process is gone', JSON.stringify({ pid: 99_999_999, startedAt: 'x', note: '' })],
    [
      'whose pid is another process by now',
      JSON.stringify({ pid: process.pid, startedAt: 'earlier', note: '' }),
    ],
    ['that was cut short', '{"pid": 1'],
  ])('is taken over %s, by exactly one of many', async (_, content) => {
    const path = join(folder, 'stale')
    writeFileSync(path, content)
    const entry = JSON.stringify(new URL('lock.ts', import.meta.url).href)
    const code = `const lock = await (await import(${entry})).takeLock(process.argv[1], '')
      console.log('release' in lock ? 'won' : 'lost')
      setTimeout(() => {}, 60000)`
    const rivals = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', code, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    try {
      const answers = await Promise.all(
        rivals.map(
          (rival) =>
            new Promise((resolve) => rival.stdout.once('data', (data) => resolve(String(data).trim()))),
        ),
      )
      expect(answers.map(String).toSorted((a, b) => a.localeCompare(b))).toEqual([
        'lost',
        'lost',
        'lost',
        'won',
      ])
    } finally {
      for (const rival of rivals) rival.kill('SIGKILL')
      rmSync(path, { force: true })
    }
  })
})
