import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { packClient } from '#scripts/pack-client/pack.ts'
import { packInstalled } from '#testing/packed-packages.ts'
import { seedApiKey, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { startTrpcServer } from '#testing/trpc-server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const PROJECT = join(ROOT, 'testing/fixtures/client-project')

await useSeededInstallation()
const admin = await seedUser({ role: 'ADMIN' })
const { name } = await seedServer((await seedToolbox()).id)
const server = await startTrpcServer()
afterAll(() => server.close())

const work = mkdtempSync(join(tmpdir(), 'toolberth-client-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const project = join(work, 'project')
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) })

/** The project's files, with the packed client installed as npm does it; the client's dependencies come from here. */
async function install(): Promise<void> {
  const tarball = await packClient(ROOT, join(work, 'dist'))
  const built = readFileSync(join(work, 'dist/client/package.json'), 'utf8')
  const names = Object.keys(Manifest.parse(JSON.parse(built)).dependencies)
  mkdirSync(join(work, 'packages'))
  const packages = await packInstalled(ROOT, [...names, '@types/node'], join(work, 'packages'))
  cpSync(PROJECT, project, { recursive: true })
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module' }),
  )
  // The peer is TypeScript itself, which the test runs from here.
  const flags = ['--offline', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, tarball, ...packages], { cwd: project })
}

/**
 * Errors of the compiler, those in tRPC's own declarations apart: they name types of "ws" and of the DOM, which a project need
 * not have, and which the client does not use.
 */
async function check(config: string): Promise<string[]> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const output = await run(process.execPath, [tsc, '--project', config, '--pretty', 'false'], {
    cwd: project,
  }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  )
  return output.split('\n').filter((line) => line !== '' && !line.startsWith('node_modules/@trpc/'))
}

describe('the packed client', () => {
  it('installs in an empty project, type-checks there, refuses misuse, and runs', {
    timeout: 180_000,
  }, async () => {
    await install()

    const declarations = readFileSync(join(project, 'node_modules/toolberth/client/index.d.ts'), 'utf8')
    expect(declarations).not.toMatch(/prisma|bullmq|ioredis|from ["'][#.]/i)

    // Strict, with every library's declarations checked too; use.ts is right and misuse.ts is wrong on purpose.
    expect(await check('tsconfig.json')).toEqual([])
    expect(await check('tsconfig.browser.json')).toEqual([])

    const apiKey = await seedApiKey(admin.id)
    const env = { ...process.env, TOOLBERTH_URL: server.url, TOOLBERTH_API_KEY: apiKey }
    const command = join(project, 'node_modules/toolberth/client/cli.js')
    const listed = await run(process.execPath, [command, 'servers', 'list', '--json'], { cwd: project, env })
    expect(JSON.parse(listed.stdout)).toMatchObject([{ name }])

    const { stdout } = await run(process.execPath, ['use.ts'], { cwd: project, env })
    expect(JSON.parse(stdout)).toEqual({
      servers: [name],
      first: 'hello',
      refused: 'NOT_FOUND',
      fields: ['transport'],
    })
  })
})
