import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const CGROUPS = '/sys/fs/cgroup'
const ATTEMPTS = 100
/** Numbers stand in addresses: 10.199.N.1. */
const LAST_NUMBER = 250

/** A network of its own, with a cable to the machine. */
const Namespace = z.object({
  name: z.string(),
  path: z.string(),
  /** Our end of the cable, as the machine sees it, and its address as the engine's side sees it. */
  link: z.string(),
  hostAddress: z.string(),
  /** The engine's own address. */
  address: z.string(),
  /** Range for its containers, routed to it. */
  pool: z.string(),
})
export type Namespace = z.infer<typeof Namespace>

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

/** Namespaces of this process: a name is never used twice, so that a try that fails removes its own and no other's. */
let made = 0

/** Takes the first number that nobody has; two at the same time cannot make the same link. */
export function addNamespace(folder: string): Namespace {
  for (let number = 1; ; number++) {
    const name = `tbt${process.pid.toString(36)}n${(made++).toString(36)}`
    const link = `tbt${number}h`
    const namespace: Namespace = {
      name,
      path: `/run/netns/${name}`,
      link,
      hostAddress: `10.199.${number}.1`,
      address: `10.199.${number}.2`,
      pool: `10.${200 + (number >> 7)}.${(number & 127) * 2}.0/23`,
    }
    try {
      run('ip', 'netns', 'add', name)
      run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'up0', 'netns', name)
    } catch (error) {
      removeNamespace(namespace, false)
      if (number === LAST_NUMBER) throw new Error(`No network of its own for ${folder}.`, { cause: error })
      continue
    }
    const inside = (...args: string[]) => run('nsenter', `--net=${namespace.path}`, ...args)
    run('ip', 'address', 'add', `${namespace.hostAddress}/30`, 'dev', link)
    run('ip', 'link', 'set', link, 'up')
    inside('ip', 'link', 'set', 'lo', 'up')
    inside('ip', 'address', 'add', `${namespace.address}/30`, 'dev', 'up0')
    inside('ip', 'link', 'set', 'up0', 'up')
    run('ip', 'route', 'add', namespace.pool, 'via', namespace.address)
    // From the machine to the containers, so that a driver can be tested without an agent; Docker asks this chain first.
    inside('iptables', '-N', 'DOCKER-USER')
    inside('iptables', '-A', 'DOCKER-USER', '-i', 'up0', '-j', 'ACCEPT')
    return namespace
  }
}

function removeNamespace({ name, link }: Namespace, withLink = true): void {
  for (const args of [...(withLink ? [['link', 'delete', link]] : []), ['netns', 'delete', name]]) {
    try {
      run('ip', ...args)
    } catch {
      // It is gone.
    }
  }
}

/** Ends and deletes all that the engine of this folder made on the machine, however it ended. May be called again. */
export async function removeEngine(folder: string): Promise<void> {
  const file = join(folder, 'namespace.json')
  if (existsSync(file)) {
    const namespace = Namespace.parse(JSON.parse(readFileSync(file, 'utf8')))
    await endProcesses(folder, namespace.name)
    removeNamespace(namespace)
  }
  unmountUnder(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Containers by their control group; shims, containerd and dockerd by their arguments, which name the folder. */
async function endProcesses(folder: string, cgroup: string): Promise<void> {
  const groups = groupsNamed(cgroup)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pids = [...pidsNaming(folder), ...groups.flatMap(pidsOfGroup)]
    if (pids.length === 0) break
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    await sleep(50)
  }
  for (const group of groups) removeGroup(group)
}

function groupsNamed(name: string): string[] {
  const hierarchies = [CGROUPS, ...readdirSync(CGROUPS).map((entry) => join(CGROUPS, entry))]
  return hierarchies.map((hierarchy) => join(hierarchy, name)).filter((path) => existsSync(path))
}

function pidsOfGroup(group: string): number[] {
  try {
    const own = readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    return [...own, ...foldersIn(group).flatMap(pidsOfGroup)]
  } catch {
    return []
  }
}

function removeGroup(group: string): void {
  try {
    for (const child of foldersIn(group)) removeGroup(child)
    rmdirSync(group)
  } catch {
    // Still in use by something that is about to end; an empty group harms nobody.
  }
}

const foldersIn = (folder: string) =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())

function pidsNaming(folder: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      const [program = '', ...args] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      const isEngine = /(^|\/)(dockerd|containerd|containerd-shim\S*|docker-proxy)$/.test(program)
      return isEngine && args.some((arg) => arg.includes(folder)) ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

function unmountUnder(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounts.toReversed()) {
    try {
      run('umount', '--lazy', path)
    } catch {
      // It was below one that is gone by now.
    }
  }
}
