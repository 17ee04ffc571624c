import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceSpec, Limits } from '#contracts/instances.ts'
import type { IsolationChoice } from './isolation.ts'

/** The watchdog ends a server that passes its limit; the kernel's own limit stands above it, to stop a fork bomb in between. */
const TASKS_ABOVE_LIMIT = 64
/** Share of the memory limit for V8's old space; the rest is for young space, buffers, code and native modules. */
const OLD_SPACE_SHARE = 0.75

/** `volumes` are folders that outlive the instance. */
export type ServerFolders = { package: string; data: string; runtime: string; volumes?: readonly string[] }

/** Marks all processes of a server where nothing else does (without isolation); children inherit it. */
export const MARKER_VARIABLE = 'TOOLBERTH_INSTANCE'
/** The same for the processes of one session of an isolated server. */
export const SESSION_VARIABLE = 'TOOLBERTH_SESSION'

/**
 * The server's whole environment: a clean base, then what the spec says. Loaders and options in it act as the server's own user
 * only, for every program in front of the server runs as that user too.
 */
export function serverEnvironment(input: {
  id: string
  session: string | null
  spec: InstanceSpec
  folders: ServerFolders
  portVariable: { name: string; port: number } | null
}): Record<string, string> {
  const { spec, folders } = input
  const heap = `--max-old-space-size=${Math.max(32, Math.floor(spec.limits.memoryMb * OLD_SPACE_SHARE))}`
  const environment: Record<string, string> = {
    PATH: `${join(folders.runtime, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
    HOME: join(folders.data, 'home'),
    TMPDIR: join(folders.data, 'tmp'),
    LANG: 'C.UTF-8',
    // Many servers would open their port to the network unless told; those that read HOST stay on loopback.
    ...(spec.transport === 'stdio' ? {} : { HOST: '127.0.0.1' }),
    ...spec.env,
    NODE_OPTIONS: spec.env.NODE_OPTIONS === undefined ? heap : `${spec.env.NODE_OPTIONS} ${heap}`,
    [MARKER_VARIABLE]: input.id,
    ...(input.session !== null && { [SESSION_VARIABLE]: input.session }),
  }
  if (input.portVariable !== null) environment[input.portVariable.name] = String(input.portVariable.port)
  return environment
}

/** Program and arguments, from the outermost wrapper to the server's own arguments; an array, never a shell. */
export function serverCommand(input: {
  isolation: IsolationChoice
  limits: Limits
  folders: ServerFolders
  node: string
  bin: { path: string; runBy: 'node' | 'itself' }
  args: string[]
}): [string, ...string[]] {
  const { isolation, folders, bin } = input
  const server = bin.runBy === 'node' ? [input.node, bin.path] : [bin.path]
  const command: string[] = []
  const { prlimit, setpriv } = isolation.confinement
  // The limit counts all tasks of a user, so it fits only where the user is the server's own.
  if (prlimit !== null && isolation.kind === 'uid') {
    command.push(prlimit, `--nproc=${input.limits.pids + TASKS_ABOVE_LIMIT}`, '--core=0')
  }
  if (setpriv !== null && isolation.kind === 'uid') command.push(setpriv, '--no-new-privs')
  if (isolation.kind === 'bwrap') command.push(isolation.bwrap, ...bubblewrapArguments(folders))
  return [...command, ...server, ...input.args] as [string, ...string[]]
}

/** A root file system of system folders alone, read-only, with the server's own two folders; own process and IPC namespaces. */
function bubblewrapArguments(folders: ServerFolders): string[] {
  const system = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/lib32', '/etc', '/opt', '/nix'].filter(
    (folder) => existsSync(folder),
  )
  return [
    '--die-with-parent',
    '--new-session',
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--cap-drop',
    'ALL',
    ...system.flatMap((folder) => ['--ro-bind', folder, folder]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--ro-bind',
    folders.runtime,
    folders.runtime,
    '--ro-bind',
    folders.package,
    folders.package,
    '--bind',
    folders.data,
    folders.data,
    ...(folders.volumes ?? []).flatMap((folder) => ['--bind', folder, folder]),
    '--chdir',
    folders.data,
    '--',
  ]
}
