import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InstanceSpec } from '#contracts/instances.ts'
import type { Owner } from '#dtma/drivers/docker/labels.ts'
import { createMetadataGuard } from '#dtma/drivers/docker/metadata-guard.ts'
import { createDockerDriver } from '#dtma/drivers/docker.ts'
import type { Driver, DriverInstance, LogSink } from '#dtma/drivers/driver.ts'
import { type Home, prepareHome } from '#dtma/home.ts'
import { specOf } from '#testing/agent-process.ts'
import type { TestEngine } from './engine.ts'
import { BASE_IMAGE } from './images.ts'

/** A log that keeps what it gets. */
export function keepingLog(): LogSink & { lines: string[] } {
  const lines: string[] = []
  return { lines, write: (stream, text) => lines.push(`${stream}: ${text}`), drained: () => null }
}

export async function temporaryHome(): Promise<{ home: Home; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'toolberth-driver-'))
  await chmod(folder, 0o711)
  return {
    home: await prepareHome(join(folder, 'home')),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export const someOwner = (): Owner => ({
  installationId: randomUUID(),
  toolboxId: randomUUID(),
  agent: randomUUID(),
})

/** The driver as an agent beside this engine has it. */
export function dockerDriver(
  engine: TestEngine,
  home: Home,
  change: Partial<Parameters<typeof createDockerDriver>[0]> & { whose: Owner },
): Driver & { problems: string[] } {
  const problems: string[] = []
  const { whose, ...more } = change
  const driver = createDockerDriver({
    home,
    socketPath: engine.socketPath,
    owner: () => whose,
    networkPool: engine.namespace.pool,
    nodeImage: BASE_IMAGE,
    npmUserConfig: undefined,
    allowUnisolated: false,
    guard: createMetadataGuard(engine.namespace.pool, [...engine.inside, 'iptables']),
    onProblem: (text) => problems.push(text),
    ...more,
  })
  return Object.assign(driver, { problems })
}

export const noPhases = (log: LogSink) => ({
  signal: new AbortController().signal,
  log,
  onPhase: () => undefined,
})

export function imageInstance(image: string, change: Partial<InstanceSpec> = {}): DriverInstance {
  return {
    id: randomUUID(),
    spec: specOf({
      source: { type: 'image', image, args: [] },
      limits: { memoryMb: 128, cpus: 0.5, pids: 64 },
      ...change,
    }),
  }
}

/** A server that listens, at its usual port. */
export const LISTENING: Partial<InstanceSpec> = {
  transport: 'streamable-http',
  http: { path: '/mcp', port: { env: 'PORT' } },
}
