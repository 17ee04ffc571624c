import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Docker from 'dockerode'
import { inject } from 'vitest'
import { LABEL } from '#dtma/drivers/docker/labels.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { importBaseImage } from './images.ts'
import { addNamespace, type Namespace, removeEngine } from './remove-engine.ts'

const UP_WITHIN_MS = 120_000

export type TestEngine = {
  docker: Docker
  socketPath: string
  namespace: Namespace
  /** What has to stand in front of a command to run it in the engine's network. */
  inside: readonly string[]
  /** dockerd alone dies; containers and their shims live on. */
  kill(): Promise<void>
  /** Starts dockerd again after `kill`. */
  restart(): Promise<void>
  /** Everything that carries our labels: containers, networks, volumes. */
  ours(): Promise<string[]>
  stop(): Promise<void>
}

/**
 * A container engine of a test's own: own network namespace, data, sockets and control group, so that nothing of the machine
 * changes. Knows the images of `images.ts`. Whatever becomes of the run, the watchdog removes all of it.
 */
export async function startTestEngine(): Promise<TestEngine> {
  const engines = join(inject('runFolder'), 'engines')
  mkdirSync(engines, { recursive: true })
  const folder = mkdtempSync(join(engines, 'e-'))
  const namespace = addNamespace(folder)
  const inside = ['nsenter', `--net=${namespace.path}`]
  const socketPath = join(folder, 'docker.sock')
  const docker = new Docker({ socketPath })
  let daemon: ChildProcess | null = null

  function spawnDaemon(): ChildProcess {
    const log = openSync(join(folder, 'log'), 'a', 0o600)
    const started = spawn(
      'nsenter',
      [
        `--net=${namespace.path}`,
        'dockerd',
        ...['-H', `unix://${socketPath}`],
        `--data-root=${join(folder, 'data')}`,
        `--exec-root=${join(folder, 'exec')}`,
        `--pidfile=${join(folder, 'pid')}`,
        `--cgroup-parent=/${namespace.name}`,
        '--bridge=none',
        `--insecure-registry=${namespace.hostAddress}/32`,
      ],
      { stdio: ['ignore', log, log] },
    )
    closeSync(log)
    if (started.pid !== undefined) noteProcess(inject('runFolder'), started.pid)
    return started
  }

  /** dockerd gives its own containerd 15 s, which a busy machine does not always keep; then it is started again. */
  async function start(): Promise<void> {
    const end = Date.now() + UP_WITHIN_MS
    daemon = spawnDaemon()
    while (!(await docker.ping().then(Boolean, () => false))) {
      if (Date.now() > end) {
        throw new Error(`dockerd did not start:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-4000)}`)
      }
      if (daemon.exitCode !== null) daemon = spawnDaemon()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function kill(): Promise<void> {
    const ending = daemon
    daemon = null
    if (ending === null || ending.exitCode !== null) return
    const exit = once(ending, 'exit')
    ending.kill('SIGKILL')
    await exit
  }

  try {
    writeFileSync(join(folder, 'namespace.json'), JSON.stringify(namespace))
    await start()
    await importBaseImage(docker, folder)
  } catch (error) {
    await kill()
    await removeEngine(folder)
    throw error
  }
  return {
    docker,
    socketPath,
    namespace,
    inside,
    kill,
    restart: start,
    async ours() {
      const filters = { label: [LABEL.role] }
      const { Volumes: volumes } = await docker.listVolumes({ filters: JSON.stringify(filters) as never })
      return [
        ...(await docker.listContainers({ all: true, filters })).flatMap(({ Names }) => Names),
        ...(await docker.listNetworks({ filters })).map(({ Name }) => `network ${Name}`),
        ...(volumes ?? []).map(({ Name }) => `volume ${Name}`),
      ]
    },
    async stop() {
      await kill()
      await removeEngine(folder)
    },
  }
}
