import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readOptions, type StartOptions } from './options.ts'

const root = mkdtempSync(join(tmpdir(), 'toolberth-options-'))
afterAll(() => rmSync(root, { recursive: true }))

const read = (args: string[], env: Record<string, string> = {}) =>
  readOptions(args, env as NodeJS.ProcessEnv, root) as StartOptions

describe('readOptions', () => {
  it('has defaults that need no configuration', () => {
    expect(read([])).toMatchObject({
      home: join(root, '.toolberth'),
      host: '127.0.0.1',
      ports: { web: 3000, gateway: 3100, dtma: 7443 },
      database: null,
      redisUrl: null,
      allowSystemInstall: true,
    })
    expect(readOptions(['--help'], {} as NodeJS.ProcessEnv, root)).toBe('help')
  })

  it('takes the command line before the environment and that before .env; empty means unset', () => {
    writeFileSync(join(root, '.env'), 'PORT=5001\nGATEWAY_PORT=5002\nDTMA_PORT=5003\nHOST=\nREDIS_URL=\n')
    const options = read(['--port', '4000', '--no-system-install'], {
      PORT: '4001',
      GATEWAY_PORT: '4002',
      DTMA_PORT: '',
    })
    rmSync(join(root, '.env'))
    expect(options.ports).toEqual({ web: 4000, gateway: 4002, dtma: 7443 })
    expect(options).toMatchObject({ host: '127.0.0.1', redisUrl: null, allowSystemInstall: false })
  })

  it.each([
    [['--prot', '4000'], {}, /Unknown option '--prot'/],
    [['stray'], {}, /stray/],
    [['--port'], {}, /--port/],
    [['--port', '0'], {}, '--port (PORT) is a number from 1 to 65535, not "0".'],
    [['--gateway-port', '65536'], {}, '--gateway-port (GATEWAY_PORT)'],
    [[], { DTMA_PORT: '12ab' }, '--dtma-port (DTMA_PORT) is a number from 1 to 65535, not "12ab".'],
    [['--home', ' '], {}, '--home needs a folder.'],
    [[], { DATABASE_URL: 'mysql://a@b/c' }, 'DATABASE_URL is not a URL like postgresql://'],
    [[], { DATABASE_URL: 'postgresql://a@b/c' }, 'DATABASE_OWNER_URL, which migrations need'],
    [[], { DATABASE_OWNER_URL: 'postgresql://a@b/c' }, 'without DATABASE_URL'],
    [[], { REDIS_URL: 'localhost:6379' }, 'REDIS_URL is not a URL like redis://'],
    [[], { PUBLIC_URL: 'example.com' }, 'PUBLIC_URL is not a URL like https://'],
  ])('refuses %j with %j in one line', (args, env, message) => {
    const attempt = () => read(args, env)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow('\n')
  })
})
