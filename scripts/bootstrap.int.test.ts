import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeProblem } from './bootstrap.mjs'

const run = promisify(execFile)
let root: string

/** A package of the same shape as ours with two local dependencies, so that npm installs without a registry. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'toolberth-bootstrap-'))
  write('package.json', {
    name: 'shape',
    version: '1.0.0',
    dependencies: { node: 'file:vendor/node', prisma: 'file:vendor/prisma' },
  })
  write('vendor/node/package.json', { name: 'node', version: '24.0.0', bin: { node: 'bin/node' } })
  mkdirSync(join(root, 'vendor/node/bin'))
  symlinkSync(process.execPath, join(root, 'vendor/node/bin/node'))
  write('vendor/prisma/package.json', { name: 'prisma', version: '7.0.0' })
  write(
    'vendor/prisma/build/index.js',
    `const fs = require('node:fs')
     if (!process.env.PRISMA_SCHEMA_ENGINE_BINARY) throw new Error('would download an engine')
     fs.mkdirSync('server/db/generated', { recursive: true })
     fs.appendFileSync('server/db/generated/client.ts', process.argv[2] + '\\n')`,
  )
  write('prisma/schema.prisma', 'one')
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string | object): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
}

/** What the bootstrap said it did, run as `prestart` runs it. */
async function bootstrap(): Promise<string[]> {
  const entry = new URL('bootstrap.mjs', import.meta.url).href
  const code = `(await import(${JSON.stringify(entry)})).bootstrap(process.argv[1], (line) => console.log('> ' + line))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code, root])
  return stdout.split('\n').flatMap((line) => (line.startsWith('> ') ? [line.slice(2)] : []))
}

const generations = () =>
  existsSync(join(root, 'server/db/generated/client.ts'))
    ? readFileSync(join(root, 'server/db/generated/client.ts'), 'utf8').trim().split('\n').length
    : 0

const INSTALL = 'Installing dependencies (about a minute the first time)'
const GENERATE = 'Generating the database client'

describe('bootstrap', () => {
  it('installs and generates once, however many commands start together, and is silent afterwards', async () => {
    const said = (await Promise.all([bootstrap(), bootstrap()])).flat()
    expect(said.filter((line) => line === INSTALL)).toHaveLength(1)
    expect(said.filter((line) => line === GENERATE)).toHaveLength(1)
    expect(generations()).toBe(1)
    expect(await bootstrap()).toEqual([])
  })

  it('generates again when the schema changed or the generated client is gone, and nothing else', async () => {
    write('prisma/schema.prisma', 'two')
    expect(await bootstrap()).toEqual([GENERATE])
    rmSync(join(root, 'server'), { recursive: true })
    expect(await bootstrap()).toEqual([GENERATE])
    expect(await bootstrap()).toEqual([])
  })

  it('installs again when the lock file or the dependencies changed, not for a new script', async () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object
    write('package.json', { ...manifest, scripts: { hello: 'true' } })
    expect(await bootstrap()).toEqual([])
    write('package-lock.json', `${readFileSync(join(root, 'package-lock.json'), 'utf8')}\n`)
    expect(await bootstrap()).toContain(INSTALL)
    rmSync(join(root, 'node_modules'), { recursive: true })
    expect(await bootstrap()).toEqual([INSTALL, GENERATE])
  })

  it('takes over the lock of an install that was killed', async () => {
    rmSync(join(root, 'server'), { recursive: true })
    // Above any pid that Linux or macOS gives out.
    write('node_modules/.toolberth-bootstrap.lock', '99999999')
    expect(await bootstrap()).toEqual([GENERATE])
  })

  it('knows which Node is too old', () => {
    expect(['20.19.0', '22.1.0', '24.21.0'].map(nodeProblem)).toEqual([null, null, null])
    expect(nodeProblem('20.18.3')).toMatch(/needs Node 20\.19 or newer .* this is 20\.18\.3/)
    expect(nodeProblem('18.20.0')).not.toBeNull()
  })
})
