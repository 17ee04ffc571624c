import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commandLine, isAlive } from '#scripts/processes/identity.ts'
import { query } from '#testing/database.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'
import { type RunningRedis, startRedis } from './redis.ts'
import { removeHome, systemHome } from './system-home.ts'

let home: string
const lines: string[] = []
const log = (line: string) => lines.push(line)
let running: { stop(): Promise<void> }[] = []

const postgres = async (port?: number): Promise<RunningPostgres> => {
  const started = await startPostgres({
    dataDir: join(home, 'postgres'),
    log,
    settings: { fsync: 'off' },
    ...(port ? { port } : {}),
  })
  running.push(started)
  return started
}
const redis = async (port?: number): Promise<RunningRedis> => {
  const started = await startRedis({
    dir: join(home, 'redis'),
    log,
    allowSystemInstall: false,
    ...(port ? { port } : {}),
  })
  running.push(started)
  return started
}
/** Starts a service in a process that is then killed without a chance to clean up; answers the service's pid. */
const abandon = async (call: string): Promise<number> => {
  const code = `${call}.then(({ pid }) => { process.stdout.write(String(pid)); setInterval(() => {}, 1000) })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) =>
    child.stdout.once('data', (data) => resolve(Number(String(data)))),
  )
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  return pid
}
const withListener = async (use: (port: number) => Promise<void>): Promise<void> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await use((server.address() as { port: number }).port)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'toolberth-services-'))
})

afterEach(async () => {
  for (const service of running) await service.stop()
  running = []
  lines.length = 0
})

afterAll(() => removeHome(home))

describe('startPostgres', () => {
  it('makes roles of exactly the rights they need, and a database that only they may use', async () => {
    const { adminUrl, ownerUrl, appUrl } = await postgres()
    const roles = await query(
      adminUrl,
      `SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication AS strong
         FROM pg_roles WHERE rolname LIKE 'toolberth%' ORDER BY 1`,
    )
    expect(roles).toEqual([
      { rolname: 'toolberth_app', rolcanlogin: true, strong: false },
      { rolname: 'toolberth_definer', rolcanlogin: false, strong: false },
      { rolname: 'toolberth_owner', rolcanlogin: true, strong: false },
    ])
    expect(await query(appUrl, 'SHOW transaction_timeout')).toEqual([{ transaction_timeout: '10s' }])
    await expect(query(appUrl, 'CREATE TABLE public.mine (id int)')).rejects.toThrow(/permission denied/)
    await query(ownerUrl, 'CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1')
    await query(ownerUrl, 'GRANT CREATE ON SCHEMA public TO toolberth_definer')
    await query(ownerUrl, 'ALTER FUNCTION public.f() OWNER TO toolberth_definer')
    const wrong = new URL(appUrl)
    wrong.password = 'guess'
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
    expect(await query(adminUrl, `SELECT DISTINCT auth_method FROM pg_hba_file_rules`)).toEqual([
      { auth_method: 'scram-sha-256' },
    ])
    expect(await query(adminUrl, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
  })

  it('keeps passwords in a file only its owner can read, and data and port over a restart', async () => {
    const first = await postgres()
    expect(modeOf(join(home, 'postgres.json'))).toBe('600')
    await query(first.ownerUrl, 'CREATE TABLE kept (id int)')
    await first.stop()
    expect(isAlive(first.pid)).toBe(false)
    const second = await postgres()
    expect(second.appUrl).toBe(first.appUrl)
    expect(await query(second.ownerUrl, `SELECT to_regclass('kept')::text AS kept`)).toEqual([
      { kept: 'kept' },
    ])
    await query(second.ownerUrl, 'DROP TABLE kept')
  })

  it('takes another port when the last one is taken, and insists on a given one', async () => {
    const first = await postgres()
    await first.stop()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(first.port, '127.0.0.1', resolve))
    const second = await postgres()
    await new Promise((resolve) => server.close(resolve))
    expect(second.port).not.toBe(first.port)
    await second.stop()
    await withListener((port) =>
      expect(postgres(port)).rejects.toThrow(`Port ${port}, meant for Postgres, is in use.`),
    )
  })

  it('stops the server that a killed run left, and is not misled by a stale pid file', async () => {
    const entry = JSON.stringify(new URL('postgres.ts', import.meta.url).href)
    const dataDir = JSON.stringify(join(home, 'postgres'))
    const left = await abandon(
      `(await import(${entry})).startPostgres({ dataDir: ${dataDir}, log: () => {} })`,
    )
    expect(isAlive(left)).toBe(true)
    const next = await postgres()
    expect(isAlive(left)).toBe(false)
    expect(lines).toEqual([`Stopping the Postgres of an earlier run (pid ${left})`])
    await next.stop()
    const place =
      [join(home, 'postgres'), join(systemHome(home), 'postgres')].find((path) => existsSync(path)) ?? ''
    // A pid that now belongs to someone else: this very process.
    writeFileSync(join(place, 'postmaster.pid'), `${process.pid}\n${place}\n0\n1\n\n127.0.0.1\n\nready\n`, {
      mode: 0o644,
    })
    await postgres()
  })

  it('moves data aside whose passwords are gone, and starts afresh', async () => {
    const first = await postgres()
    await first.stop()
    rmSync(join(home, 'postgres.json'))
    const second = await postgres()
    expect(lines[0]).toMatch(/Found Postgres data of a home that is gone; moved it to .*postgres\.orphaned-/)
    expect(second.appUrl).not.toBe(first.appUrl)
  })
})

describe('startRedis', () => {
  it('asks for a password that is on no command line, evicts nothing and appends to disk', async () => {
    const { url, pid, port } = await redis()
    const password = new URL(url).password
    expect(commandLine(pid)).not.toContain(password)
    expect([modeOf(join(home, 'redis.json')), modeOf(join(home, 'redis', 'redis.conf'))]).toEqual([
      '600',
      '600',
    ])
    const client = new Redis(url)
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes'])
    expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1'])
    client.disconnect()
    const stranger = new Redis({ port, lazyConnect: true, retryStrategy: () => null })
    stranger.on('error', () => undefined)
    await expect(stranger.set('a', '1')).rejects.toThrow(/NOAUTH/)
    stranger.disconnect()
  })

  it('keeps data, password and port over a restart, also after a kill', async () => {
    const first = await redis()
    const client = new Redis(first.url)
    await client.set('kept', 'yes')
    client.disconnect()
    await first.stop()
    expect(isAlive(first.pid)).toBe(false)
    const entry = JSON.stringify(new URL('redis.ts', import.meta.url).href)
    const dir = JSON.stringify(join(home, 'redis'))
    const left = await abandon(
      `(await import(${entry})).startRedis({ dir: ${dir}, log: () => {}, allowSystemInstall: false })`,
    )
    const next = await redis()
    expect(isAlive(left)).toBe(false)
    expect(next.url).toBe(first.url)
    expect(lines).toEqual([`Stopping the Redis of an earlier run (pid ${left})`])
    const reader = new Redis(next.url)
    expect(await reader.get('kept')).toBe('yes')
    reader.disconnect()
  })

  it('leaves another program alone whose pid its stale pid file names', async () => {
    const first = await redis()
    await first.stop()
    writeFileSync(join(home, 'redis', 'redis.pid'), `${process.pid}\n`)
    await redis()
    expect(Number(readFileSync(join(home, 'redis', 'redis.pid'), 'utf8'))).not.toBe(process.pid)
  })

  it('says in one line that it is missing and how to get it, when it may not install it', async () => {
    const { redisBinary } = await import('./redis-binary.ts')
    const path = process.env.PATH
    process.env.PATH = home
    try {
      await expect(redisBinary(false, log, [])).rejects.toThrow(
        /^Redis is missing and --no-system-install is set: install it \(.*\), or set REDIS_URL to a Redis of your own\.$/,
      )
    } finally {
      process.env.PATH = path
    }
  })
})
