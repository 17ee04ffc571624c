import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePort } from '#scripts/services/ports.ts'
import { removeHome } from '#scripts/services/system-home.ts'
import { takeLock } from './lock.ts'

const PROGRAM = fileURLToPath(new URL('../start.ts', import.meta.url))
/** Set but empty: a checkout's own .env must not reach these tests. */
const UNSET = Object.fromEntries(
  ['HOST', 'DATABASE_URL', 'DATABASE_OWNER_URL', 'REDIS_URL', 'PUBLIC_URL', 'GATEWAY_PUBLIC_URL'].map(
    (name) => [name, ''],
  ),
)

let folder: string
let taken: Server
let takenPort: number
/** Ports that nobody uses, so that these tests pass beside a Toolberth that runs on the usual ones. */
let ports: string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'toolberth-cli-'))
  taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  takenPort = (taken.address() as { port: number }).port
  ports = ['--port', '--gateway-port', '--dtma-port']
  for (const at of [1, 3, 5]) ports.splice(at, 0, String(await freePort()))
})

afterAll(async () => {
  await new Promise((resolve) => taken.close(resolve))
  for (const name of readdirSync(folder)) removeHome(join(folder, name))
  rmSync(folder, { recursive: true, force: true })
})

/** `npm start` as far as it comes. */
function start(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const { PATH, HOME } = process.env
    const environment = { ...UNSET, PATH, HOME, ...env } as unknown as NodeJS.ProcessEnv
    execFile(process.execPath, [PROGRAM, ...args], { env: environment }, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err })
    })
  })
}

/** Exit code 1 and exactly one line, on standard error. */
async function refusal(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, out, err } = await start(args, env)
  expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 1 })
  return err.trimEnd()
}

describe('npm start', () => {
  it('explains its options', async () => {
    const { code, out } = await start(['--help'])
    expect(code).toBe(0)
    expect(out).toContain('--gateway-port PORT')
  })

  it('refuses unknown options and bad ports', async () => {
    expect(await refusal(['--colour'])).toBe(
      `Unknown option '--colour'. "npm start -- --help" lists the options.`,
    )
    expect(await refusal([], { PORT: 'eighty' })).toBe(
      '--port (PORT) is a number from 1 to 65535, not "eighty".',
    )
  })

  it('names the port in use and the option that changes it, and has started nothing', async () => {
    const home = join(folder, 'busy')
    const args = [...ports, '--home', home, '--dtma-port', String(takenPort)]
    expect(await refusal(args)).toBe(
      `Port ${takenPort} for the local toolbox's agent is in use; choose another with --dtma-port (DTMA_PORT).`,
    )
    expect(existsSync(join(home, 'postgres.json'))).toBe(false)
    expect(statSync(home).mode & 0o777).toBe(0o700)
    const [, web = ''] = ports
    expect(await refusal([...ports, '--home', home, '--gateway-port', web])).toBe(
      `Port ${web} is meant for the web application and for the gateway; choose another with --gateway-port (GATEWAY_PORT).`,
    )
    expect(await refusal([...ports, '--home', home, '--host', '203.0.113.9'])).toBe(
      '"203.0.113.9" is no address of this machine; choose another with --host (HOST).',
    )
  })

  it('names process and address of the one that runs on this home', async () => {
    const home = join(folder, 'twice')
    const lock = await takeLock(join(home, 'run', 'lock'), 'http://localhost:3000')
    expect(await refusal([...ports, '--home', home])).toBe(
      `Toolberth already runs on ${home} (process ${process.pid}, http://localhost:3000); stop it first, or choose another folder with --home.`,
    )
    if ('release' in lock) lock.release()
  })

  it('leaves a folder alone that is no home, and says when it cannot write', async () => {
    const foreign = join(folder, 'foreign')
    mkdirSync(foreign, { mode: 0o755 })
    writeFileSync(join(foreign, 'letter.txt'), '')
    expect(await refusal([...ports, '--home', foreign])).toBe(
      `${foreign} is not empty and no home of Toolberth; choose another folder with --home.`,
    )
    expect(statSync(foreign).mode & 0o777).toBe(0o755)
    expect(await refusal([...ports, '--home', join(foreign, 'letter.txt', 'home')])).toMatch(
      /^Cannot write to the home /,
    )
    expect(await refusal([...ports, '--home', '/proc/toolberth'])).toMatch(/^Cannot write to the home /)
  })

  it('says what is wrong with a DATABASE_URL or REDIS_URL', async () => {
    const home = join(folder, 'urls')
    const { appUrl, ownerUrl } = inject('postgres')
    const args = [...ports, '--home', home]
    const wrong = new URL(appUrl)
    wrong.password = 'guess'
    expect(await refusal(args, { DATABASE_URL: wrong.href, DATABASE_OWNER_URL: ownerUrl })).toMatch(
      /^DATABASE_URL does not work: toolberth_app@127\.0\.0\.1:\d+\/toolberth: the password is wrong\.$/,
    )
    expect(await refusal(args, { DATABASE_URL: appUrl })).toMatch(
      /^DATABASE_URL is set without DATABASE_OWNER_URL/,
    )
    expect(await refusal(args, { REDIS_URL: 'redis://127.0.0.1:1' })).toBe(
      'REDIS_URL does not work: 127.0.0.1:1: nothing listens there.',
    )
    expect(existsSync(join(home, 'postgres.json'))).toBe(false)
  })
})
