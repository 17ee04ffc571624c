import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders of one agent. Servers' own users may pass through `root`, `servers` and `data`, and read `runtime`; nothing else. */
export type Home = {
  root: string
  /** Keys, enrolment, records: the agent alone. */
  state: string
  records: string
  pids: string
  logs: string
  /** npm's cache and home, shared by installs, closed to servers. */
  npm: string
  servers: string
  /** What servers declared to be kept, by server: outlives their instances. */
  data: string
  runtime: string
}

/** Makes the folders with their modes (umask does not matter). */
export async function prepareHome(root: string): Promise<Home> {
  const home: Home = {
    root,
    state: join(root, 'state'),
    records: join(root, 'state', 'instances'),
    pids: join(root, 'state', 'pids'),
    logs: join(root, 'logs'),
    npm: join(root, 'npm'),
    servers: join(root, 'servers'),
    data: join(root, 'data'),
    runtime: join(root, 'runtime'),
  }
  const modes: [string, number][] = [
    [home.root, 0o711],
    [home.state, 0o700],
    [home.records, 0o700],
    [home.pids, 0o700],
    [home.logs, 0o700],
    [home.npm, 0o700],
    [home.servers, 0o711],
    [home.data, 0o711],
    [home.runtime, 0o755],
  ]
  for (const [folder, mode] of modes) {
    await mkdir(folder, { recursive: true, mode })
    await chmod(folder, mode)
  }
  return home
}
