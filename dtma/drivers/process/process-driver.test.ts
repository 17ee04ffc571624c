import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InstanceSpec } from '#contracts/instances.ts'
import { chooseBin, pickBin } from './choose-bin.ts'
import { endProcesses, livingMembers } from './end-processes.ts'
import { freePort, usersListeningOn } from './listening-sockets.ts'
import { processesMarked, processesOfUid, processesUnder } from './membership.ts'
import { provideNode } from './node-runtime.ts'
import { findNpmCli } from './npm-cli.ts'
import { isSameProcess, notedPids, notePid, processNote } from './pid-file.ts'
import { readProcess, readProcessTable } from './process-table.ts'
import { MARKER_VARIABLE, serverCommand, serverEnvironment } from './server-command.ts'
import { claimUid, FIRST_UID, releaseUid, uidOfFolder } from './uid-claims.ts'
import { exceeded } from './watchdog.ts'

const asRoot = process.getuid?.() === 0
const onLinux = process.platform === 'linux'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolberth-driver-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('choosing the executable', () => {
  it.each([
    [['a'], undefined, 'a'],
    [['server', 'other'], undefined, 'server'],
    [['a', 'b'], 'b', 'b'],
  ])('of %j, asked for %s', (names, wanted, picked) => {
    expect(pickBin(names, 'server', wanted)).toEqual({ picked })
  })

  it.each([
    [[], undefined, 'no executable'],
    [['a', 'b'], undefined, 'name one. It has "a", "b"'],
    [['a'], 'b', 'No executable "b". It has "a"'],
  ])('of %j, asked for %s, in words', (names, wanted, words) => {
    expect(pickBin(names, 'server', wanted)).toMatchObject({ problem: expect.stringContaining(words) })
  })

  async function install(bin: unknown, files: Record<string, string>) {
    const root = join(folder, 'node_modules', '@a', 'b')
    await mkdir(root, { recursive: true })
    await writeFile(join(root, 'package.json'), JSON.stringify({ name: '@a/b', version: '1.2.3', bin }))
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text)
    return root
  }

  it.each([
    ['#!/usr/bin/env node\n', 'node'],
    ['#!/usr/bin/env -S node --no-warnings\n', 'node'],
    ['console.log(1)\n', 'node'],
    ['#!/bin/sh\n', 'itself'],
    ['\x7fELF', 'itself'],
  ])('reads from %j who runs it', async (text, runBy) => {
    const root = await install('run.js', { 'run.js': text })
    const bin = { path: join(root, 'run.js'), runBy, version: '1.2.3' }
    expect(await chooseBin(folder, '@a/b', undefined)).toEqual(bin)
  })

  it('refuses a file that is missing or outside the package', async () => {
    await install({ b: 'gone.js', out: 'link.js' }, {})
    await expect(chooseBin(folder, '@a/b', 'b')).rejects.toMatchObject({ code: 'PACKAGE_HAS_NO_BIN' })
    await symlink('/etc/hostname', join(folder, 'node_modules', '@a', 'b', 'link.js'))
    await expect(chooseBin(folder, '@a/b', 'out')).rejects.toMatchObject({ code: 'PACKAGE_HAS_NO_BIN' })
  })
})

describe('the command of a server', () => {
  const folders = { package: '/s/package', data: '/s/data', runtime: '/r' }
  const limits = { memoryMb: 400, cpus: 1, pids: 100 }
  const spec = { transport: 'stdio', env: { A: '1' }, limits } as unknown as InstanceSpec

  it('has a clean environment with a heap limit', () => {
    expect(serverEnvironment({ id: 'i', session: null, spec, folders, portVariable: null })).toEqual({
      PATH: '/r/bin:/usr/local/bin:/usr/bin:/bin',
      HOME: '/s/data/home',
      TMPDIR: '/s/data/tmp',
      LANG: 'C.UTF-8',
      A: '1',
      NODE_OPTIONS: '--max-old-space-size=300',
      TOOLBERTH_INSTANCE: 'i',
    })
    const http = { ...spec, transport: 'streamable-http' as const, env: { NODE_OPTIONS: '--trace-warnings' } }
    expect(
      serverEnvironment({
        id: 'i',
        session: null,
        spec: http,
        folders,
        portVariable: { name: 'PORT', port: 9 },
      }),
    ).toMatchObject({
      HOST: '127.0.0.1',
      PORT: '9',
      NODE_OPTIONS: '--trace-warnings --max-old-space-size=300',
    })
  })

  const bin = { path: '/s/package/x.js', runBy: 'node' as const }
  const input = { limits, folders, node: '/r/bin/node', bin, args: ['; rm -rf /', '$(x)'] }

  it('is an array that ends with the arguments as they are', () => {
    const confinement = { prlimit: '/usr/bin/prlimit', setpriv: '/usr/bin/setpriv' }
    expect(serverCommand({ ...input, isolation: { kind: 'uid', bwrap: null, confinement } })).toEqual([
      '/usr/bin/prlimit',
      '--nproc=164',
      '--core=0',
      '/usr/bin/setpriv',
      '--no-new-privs',
      '/r/bin/node',
      '/s/package/x.js',
      '; rm -rf /',
      '$(x)',
    ])
    const none = { kind: 'none' as const, bwrap: null, confinement }
    expect(serverCommand({ ...input, isolation: none, bin: { ...bin, runBy: 'itself' } })[0]).toBe(
      '/s/package/x.js',
    )
  })

  it('shows bubblewrap the system and its own two folders alone', () => {
    const confinement = { prlimit: null, setpriv: null }
    const command = serverCommand({
      ...input,
      isolation: { kind: 'bwrap', bwrap: '/usr/bin/bwrap', confinement },
    })
    const binds = command.flatMap((part, i) => (part === '--bind' ? [command[i + 1]] : []))
    expect(binds).toEqual(['/s/data'])
    expect(command).not.toContain('/')
    expect(command).not.toContain('/home')
    expect(command).toContain('--die-with-parent')
    expect(command.slice(command.indexOf('--') + 1)).toEqual([
      '/r/bin/node',
      '/s/package/x.js',
      '; rm -rf /',
      '$(x)',
    ])
  })
})

it('limits are exceeded only above them', () => {
  const limits = { memoryMb: 100, cpus: 1, pids: 10 }
  expect(exceeded({ memoryBytes: 100 * 1024 * 1024, tasks: 10 }, limits)).toBeNull()
  expect(exceeded({ memoryBytes: 101 * 1024 * 1024, tasks: 1 }, limits)?.code).toBe('SERVER_OUT_OF_MEMORY')
  expect(exceeded({ memoryBytes: 1, tasks: 11 }, limits)?.code).toBe('SERVER_TOO_MANY_PROCESSES')
})

it('finds npm, however the agent was started', () => {
  expect(findNpmCli()).toMatch(/npm-cli\.js$/)
  expect(findNpmCli({ PATH: process.env.PATH } as unknown as NodeJS.ProcessEnv)).toMatch(/npm-cli\.js$/)
  expect(findNpmCli({ PATH: folder } as unknown as NodeJS.ProcessEnv) ?? '').not.toContain(folder)
})

it('provides Node once, executable for all', async () => {
  const source = join(folder, 'source')
  await writeFile(source, 'one')
  await chmod(source, 0o700)
  const runtime = join(folder, 'runtime')
  const target = await provideNode(runtime, source)
  expect((await stat(target)).mode & 0o777).toBe(0o755)
  const { ino } = await stat(target)
  expect((await stat(await provideNode(runtime, source))).ino).toBe(ino)
  await writeFile(source, 'another')
  expect(await readFile(await provideNode(runtime, source), 'utf8')).toBe('another')
})

describe.skipIf(!onLinux)('processes', () => {
  it('are read from /proc', () => {
    const own = readProcess(process.pid)
    expect(own).toMatchObject({ pid: process.pid, parent: process.ppid, zombie: false })
    expect(own?.uids).toEqual(Array.from({ length: 4 }, () => process.getuid?.()))
    expect(own?.memoryBytes).toBeGreaterThan(1024 * 1024)
    expect(readProcessTable().map((entry) => entry.pid)).toContain(process.pid)
    expect(readProcess(2 ** 22 + 1)).toBeNull()
  })

  it('are ended with descendants and with what carries their mark', async () => {
    const code = `
      process.on('SIGTERM', () => {})
      require('node:child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6)'],
        { detached: true, stdio: 'ignore' })
      setInterval(() => {}, 1e6)
      console.log('up')
    `
    const id = crypto.randomUUID()
    const child = spawn(process.execPath, ['-e', code], {
      env: { [MARKER_VARIABLE]: id } as unknown as NodeJS.ProcessEnv,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await once(child.stdout, 'data')
    const pid = child.pid as number
    await expect.poll(() => livingMembers(processesUnder(pid)).length).toBe(2)
    await expect.poll(() => livingMembers(processesMarked(null, id)).length).toBe(2)
    await endProcesses(processesMarked(pid, id))
    expect(livingMembers(processesMarked(null, id))).toEqual([])
  })

  it('are noted with their start, so a pid used again is not taken for them', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
    await once(child, 'spawn')
    await notePid(folder, 'a.server', child.pid as number)
    await writeFile(
      join(folder, 'b.server.json'),
      JSON.stringify({ ...processNote(process.pid), startTicks: 1 }),
    )
    await writeFile(join(folder, 'c.server.json'), 'broken')
    expect(await notedPids(folder)).toEqual([{ name: 'a.server', pid: child.pid }])
    const note = processNote(child.pid as number)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isSameProcess(note)).toBe(false)
    expect(await notedPids(folder)).toEqual([])
  })

  it('of the machine itself are never taken for those of a server', () => {
    expect(() => processesOfUid(0)).toThrow(RangeError)
    expect(() => processesOfUid(1000)).toThrow(RangeError)
  })
})

it.skipIf(!onLinux)('sees who listens on a port', async () => {
  const port = await freePort()
  expect(usersListeningOn(port)).toEqual([])
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  expect(usersListeningOn(port)).toEqual([process.getuid?.()])
  server.close()
})

describe.skipIf(!asRoot)('users of servers', () => {
  const makeFolder = async (name: string) => {
    const path = join(folder, name)
    await mkdir(path)
    return path
  }

  it('are one per folder, closed to others, and free again when the folder is gone', async () => {
    const register = join(folder, 'register', 'uids')
    const folders = await Promise.all(['a', 'b', 'c'].map(makeFolder))
    const uids = await Promise.all(folders.map((path) => claimUid(path, register)))
    expect(new Set(uids).size).toBe(3)
    for (const uid of uids) expect(uid).toBeGreaterThanOrEqual(FIRST_UID)
    const [first] = folders as [string]
    expect(await claimUid(first, register)).toBe(uids[0])
    expect(await uidOfFolder(first)).toBe(uids[0])
    const { uid, mode } = await stat(first)
    expect([uid, mode & 0o777]).toEqual([0, 0o750])

    await rm(first, { recursive: true })
    await releaseUid(uids[0] as number, first, register)
    expect(await claimUid(await makeFolder('d'), register)).toBe(uids[0])
  })

  it('of a deleted installation are used again', async () => {
    const register = join(folder, 'register', 'uids')
    const first = await makeFolder('a')
    const uid = await claimUid(first, register)
    expect(await claimUid(await makeFolder('b'), register)).not.toBe(uid)
    await rm(first, { recursive: true })
    const later = await Promise.all(['c', 'd', 'e'].map(makeFolder))
    const claimed = await Promise.all(later.map((path) => claimUid(path, register)))
    expect(new Set(claimed).size).toBe(3)
    expect(claimed).toContain(uid)
    expect(await readdir(register)).toHaveLength(4)
  })
})
