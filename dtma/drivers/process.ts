import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { InstanceSpec } from '#contracts/instances.ts'
import type { Home } from '#dtma/home.ts'
import { type Driver, type DriverInstance, InstanceFailure, type LogSink, type Run } from './driver.ts'
import { chooseBin } from './process/choose-bin.ts'
import { killProcesses, type Membership, sendSignal } from './process/end-processes.ts'
import { installPackage } from './process/install-package.ts'
import {
  type InstanceFolder,
  instanceFolder,
  makeDataFolder,
  readInstalled,
  writeInstalled,
} from './process/instance-folder.ts'
import { chooseIsolation } from './process/isolation.ts'
import { processesInSandbox, processesMarked, processesOfUid, processesUnder } from './process/membership.ts'
import { provideNode } from './process/node-runtime.ts'
import { findNpmCli } from './process/npm-cli.ts'
import { npmSource } from './process/npm-source.ts'
import { forgetPid, notedPids } from './process/pid-file.ts'
import { serverCommand, serverEnvironment } from './process/server-command.ts'
import { isHeld, makeVolumes, type ServerData, serverData, withRealPaths } from './process/server-data.ts'
import { choosePort, portArguments, portVariable } from './process/server-port.ts'
import { makeSessionFolder, removeSessionFolder, sessionFolders } from './process/session-folder.ts'
import { type ServerUser, startServer } from './process/start-server.ts'
import { admitUid, claimUid, releaseUid, sweepSharedFolders, uidOfFolder } from './process/uid-claims.ts'
import { createWatchdog } from './process/watchdog.ts'

const execute = promisify(execFile)

export type ProcessDriverOptions = {
  home: Home
  allowUnisolated: boolean
  /** npm configuration file for installs; the invoking user's when left out. */
  npmUserConfig: string | undefined
}

/** Runs npm packages as child processes of the agent, each apart from the others as far as this machine allows. */
export async function createProcessDriver(options: ProcessDriverOptions): Promise<Driver> {
  const { home } = options
  const isolation = await chooseIsolation(options.allowUnisolated)
  const node = await provideNode(home.runtime)
  const npmCli = findNpmCli()
  const watchdog = createWatchdog()
  const userConfig = options.npmUserConfig ?? process.env.npm_config_userconfig ?? join(homedir(), '.npmrc')

  function requireIsolation(): NonNullable<typeof isolation> {
    if (isolation !== null) return isolation
    throw new InstanceFailure(
      'ISOLATION_UNAVAILABLE',
      'The agent does not run as root and bubblewrap (bwrap) does not work here, so servers could read what its user can read.',
    )
  }

  /** Kills everything of a user in one step of the kernel, as that user. */
  function sweepUid(uid: number): () => Promise<void> {
    return async () => {
      await execute(node, ['-e', "process.kill(-1, 'SIGKILL')"], {
        uid,
        gid: uid,
        cwd: '/',
        env: {} as NodeJS.ProcessEnv,
        timeout: 5_000,
      }).catch(() => {})
    }
  }

  /** Instances that run now and write the data of their server, by server. */
  const writing = new Map<string, { id: string; uid: number | null }>()

  /** The user of an instance may be its server's, and the next instance may run as that by now. */
  function isTaken(uid: number, id: string): boolean {
    return [...writing.values()].some((run) => run.uid === uid && run.id !== id)
  }

  const endUser = (uid: number) => killProcesses(processesOfUid(uid), sweepUid(uid))

  async function endLeftovers(id: string): Promise<void> {
    const root = join(home.servers, id)
    for (const session of await sessionFolders(root)) await removeSessionFolder(session, endUser)
    const uid = await uidOfFolder(root)
    if (uid !== null && !isTaken(uid, id)) await endUser(uid)
    if (isolation?.kind === 'none') await killProcesses(processesMarked(null, id))
  }

  async function removeInstance(id: string): Promise<void> {
    const folder = instanceFolder(home.servers, id)
    await endLeftovers(id)
    const uid = await uidOfFolder(folder.root)
    await rm(folder.root, { recursive: true, force: true, maxRetries: 3 })
    await forgetPid(home.pids, `${id}.server`)
    if (uid === null || isTaken(uid, id)) return
    await sweepSharedFolders(uid)
    await releaseUid(uid, folder.root)
  }

  async function removeData(serverId: string): Promise<void> {
    const root = join(home.data, serverId)
    if (await isHeld(home.servers, serverId)) return
    const uid = await uidOfFolder(root)
    if (uid !== null) await endUser(uid)
    await rm(root, { recursive: true, force: true, maxRetries: 3 })
    if (uid === null) return
    await sweepSharedFolders(uid)
    await releaseUid(uid, root)
  }

  /** A user of the instance's own, or its server's where that keeps data; null where users do not keep servers apart. */
  async function userOf(folder: InstanceFolder, data: ServerData | null): Promise<number | null> {
    if (requireIsolation().kind !== 'uid') return null
    if (data === null) return claimUid(folder.root)
    const uid = await claimUid(data.root)
    await admitUid(folder.root, uid)
    return uid
  }

  /** Answers how to let go of it. Throws InstanceFailure while another instance of the server writes it. */
  function takeData(data: ServerData | null, run: { id: string; uid: number | null }): () => void {
    if (data === null) return () => undefined
    const other = writing.get(data.serverId)
    if (other !== undefined && other.id !== run.id)
      throw new InstanceFailure('TOOLBOX_INTERNAL', 'Another instance of the server still uses its data.')
    writing.set(data.serverId, run)
    return () => {
      if (writing.get(data.serverId) === run) writing.delete(data.serverId)
    }
  }

  async function install(instance: DriverInstance, context: Parameters<Driver['prepare']>[1]) {
    if (npmCli === null) {
      throw new InstanceFailure('PACKAGE_INSTALL_FAILED', 'There is no npm on this machine.')
    }
    const folder = instanceFolder(home.servers, instance.id)
    const source = npmSource(instance.spec)
    await rm(folder.package, { recursive: true, force: true })
    await mkdir(folder.package, { mode: 0o755 })
    await writeFile(join(folder.package, 'package.json'), '{ "private": true }\n')
    await installPackage({
      instanceId: instance.id,
      source,
      packageFolder: folder.package,
      npmCli,
      npmFolder: home.npm,
      userConfig,
      pidsFolder: home.pids,
      signal: context.signal,
      onPhase: (phase) => context.onPhase(phase),
    })
    const bin = await chooseBin(folder.package, source.package, source.bin)
    const installed = { binPath: bin.path, runBy: bin.runBy, version: bin.version }
    await writeInstalled(folder, installed)
    context.log.write('agent', `Installed ${source.package} ${bin.version}.`)
    return installed
  }

  /** Starts what was installed for an instance, in the folder and as the user that are given. */
  async function launch(input: {
    id: string
    spec: InstanceSpec
    folder: InstanceFolder
    user: ServerUser | null
    volumes: readonly string[]
    session: string | null
    log: LogSink
  }): Promise<Run> {
    const { id, spec, folder, user, session } = input
    const choice = requireIsolation()
    const installed = await readInstalled(instanceFolder(home.servers, id))
    if (installed === null) throw new InstanceFailure('TOOLBOX_INTERNAL', 'The package is not installed.')
    const port = await choosePort(spec)
    const folders = {
      package: folder.package,
      data: folder.data,
      runtime: home.runtime,
      volumes: input.volumes,
    }
    return startServer({
      instance: { id, spec },
      user,
      port,
      note: session === null ? `${id}.server` : `${id}.${session}.server`,
      cwd: folder.data,
      command: serverCommand({
        isolation: choice,
        limits: spec.limits,
        folders,
        node,
        bin: { path: installed.binPath, runBy: installed.runBy },
        args: [...npmSource(spec).args, ...portArguments(spec, port)],
      }),
      environment: serverEnvironment({ id, session, spec, folders, portVariable: portVariable(spec, port) }),
      membershipOf: (pid): Membership => {
        if (user !== null) return processesOfUid(user.uid)
        return choice.kind === 'bwrap' ? processesUnder(pid) : processesMarked(pid, id, session ?? undefined)
      },
      ...(user === null ? {} : { sweep: sweepUid(user.uid) }),
      ...(choice.kind === 'bwrap' ? { askedOf: processesInSandbox } : {}),
      watchdog,
      log: input.log,
      pidsFolder: home.pids,
    })
  }

  return {
    name: 'process',
    isolation: isolation?.kind ?? 'none',

    async recover(known) {
      for (const { name, pid } of await notedPids(home.pids)) {
        // Installs run in a group of their own; bubblewrap's processes all descend from the one that was noted.
        if (name.endsWith('.install')) sendSignal(-pid, 'SIGKILL')
        else await killProcesses(processesUnder(pid))
        await forgetPid(home.pids, name)
      }
      for (const id of await readdir(home.servers)) {
        if (known.has(id)) await endLeftovers(id)
        else await removeInstance(id)
      }
    },

    async prepare(instance, context) {
      requireIsolation()
      npmSource(instance.spec)
      const folder = instanceFolder(home.servers, instance.id)
      try {
        await mkdir(folder.root, { recursive: true, mode: 0o700 })
        const data = serverData(home.data, instance.spec)
        if (data !== null) await mkdir(data.root, { recursive: true, mode: 0o700 })
        const uid = await userOf(folder, data)
        await makeDataFolder(folder, uid)
        if (data !== null) await makeVolumes(data, uid, folder.root)
        const installed = (await readInstalled(folder)) ?? (await install(instance, context))
        return { resolvedVersion: installed.version }
      } catch (error) {
        throw isDiskFull(error) ? new InstanceFailure('TOOLBOX_DISK_FULL', (error as Error).message) : error
      }
    },

    async start({ id, spec: declared }, { log, session }) {
      requireIsolation()
      const folder = instanceFolder(home.servers, id)
      if (session !== undefined) {
        const own = await makeSessionFolder(folder, session.id, await uidOfFolder(folder.root))
        const clear = () => removeSessionFolder(own.root, endUser)
        const spec = { ...declared, env: { ...declared.env, ...session.env } }
        try {
          const run = await launch({
            id,
            spec,
            folder: own,
            user: own.user,
            volumes: [],
            session: session.id,
            log,
          })
          return { ...run, stop: () => run.stop().then(clear) }
        } catch (error) {
          await clear()
          throw error
        }
      }
      const data = serverData(home.data, declared)
      const uid = await userOf(folder, data)
      const release = takeData(data, { id, uid })
      try {
        await endLeftovers(id)
        const run = await launch({
          id,
          spec: withRealPaths(declared, data),
          folder,
          user: uid === null ? null : { uid, gid: uid },
          volumes: data?.volumes.map(({ path }) => path) ?? [],
          session: null,
          log,
        })
        return { ...run, stop: () => run.stop().then(release) }
      } catch (error) {
        release()
        throw error
      }
    },

    halt: endLeftovers,
    async remove(id, { deleteDataOf }) {
      await removeInstance(id)
      if (deleteDataOf !== null) await removeData(deleteDataOf)
    },
    close: () => watchdog.close(),
  }
}

function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}
