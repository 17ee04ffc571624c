import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What a test engine is made with; Debian has them in docker.io, iproute2, iptables and util-linux. */
const PROGRAMS = ['dockerd', 'containerd', 'ip', 'iptables', 'nsenter', 'unshare']

/** Why no container engine of our own can be started here, in one line; null when it can. */
export function engineUnavailable(): string | null {
  if (process.platform !== 'linux') return 'the engine needs Linux'
  if (process.getuid?.() !== 0) return 'starting a container engine needs root'
  const missing = PROGRAMS.filter((name) => !isOnPath(name))
  if (missing.length > 0) return `${missing.join(', ')} not installed`
  try {
    // In many containers root may make no namespaces.
    execFileSync('unshare', ['--net', '--mount', 'true'], { stdio: 'ignore' })
    return null
  } catch {
    return 'this machine allows no network namespaces'
  }
}

function isOnPath(name: string): boolean {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
