import type { ContainerCreateOptions, MountConfig } from 'dockerode'
import type { InstanceSpec } from '#contracts/instances.ts'
import { LABEL } from './labels.ts'
import type { Prepared } from './prepared.ts'

const MIB = 1024 * 1024
const DEFAULT_PORT = 8080
/** Seconds between SIGTERM and SIGKILL: a stop as a whole takes less than two. */
export const STOP_SECONDS = 1
/** Where an npm package is found inside its container. */
export const PACKAGE_PATH = '/package'

/** The port that a server is told; its network is its own, so nobody else has it. */
export function portFor(spec: InstanceSpec, exposedPort: number | null): number | null {
  if (spec.transport === 'stdio') return null
  const told = spec.http?.port ?? { env: 'PORT' }
  return 'fixed' in told ? told.fixed : (exposedPort ?? DEFAULT_PORT)
}

/** What confines any container of ours. Nothing of it comes from an image, and of the spec only the three limits. */
export function confinement(
  limits: InstanceSpec['limits'],
  network: string,
): ContainerCreateOptions['HostConfig'] {
  const memory = limits.memoryMb * MIB
  return {
    NetworkMode: network,
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': `rw,nosuid,nodev,size=${temporaryMb(limits.memoryMb)}m,mode=1777` },
    CapDrop: ['ALL'],
    CapAdd: [],
    Privileged: false,
    SecurityOpt: ['no-new-privileges:true'],
    Init: true,
    Memory: memory,
    // The same number again: no swap.
    MemorySwap: memory,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.pids,
    OomScoreAdj: 500,
    IpcMode: 'private',
    Ulimits: [
      { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    // The agent restarts, and knows when not to.
    RestartPolicy: { Name: 'no' },
    PublishAllPorts: false,
  }
}

/** A quarter of the memory, for it counts against it: 16 to 256 MiB. */
function temporaryMb(memoryMb: number): number {
  return Math.min(256, Math.max(16, Math.floor(memoryMb / 4)))
}

/** The container of a server; a pure function, so that a test can show what an image and a person cannot change. */
export function serverContainer(input: {
  name: string
  spec: InstanceSpec
  prepared: Prepared
  network: string
  mounts: MountConfig
  labels: Record<string, string>
}): ContainerCreateOptions & { name: string } {
  const { spec, prepared } = input
  const stdio = spec.transport === 'stdio'
  const port = portFor(spec, prepared.exposedPort)
  return {
    name: input.name,
    Image: prepared.imageId,
    User: `${prepared.user.uid}:${prepared.user.gid}`,
    Labels: { ...input.labels, ...(port === null ? {} : { [LABEL.port]: String(port) }) },
    Env: environment(spec, prepared, port),
    ...command(spec, prepared, portArguments(spec, port)),
    AttachStdin: stdio,
    OpenStdin: stdio,
    StdinOnce: stdio,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    StopTimeout: STOP_SECONDS,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...confinement(spec.limits, input.network),
      Mounts: input.mounts,
      // What a stdio server says is MCP and goes through the agent alone; the log of others is read again after a restart.
      LogConfig: stdio
        ? { Type: 'none', Config: {} }
        : { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '2' } },
    },
  }
}

/** Arguments take the place of what the image says, as with `docker run`; the port is told besides. */
function command(spec: InstanceSpec, prepared: Prepared, port: string[]): Partial<ContainerCreateOptions> {
  const given = spec.source.type === 'remote' ? [] : spec.source.args
  if (prepared.bin === null) return { Cmd: [...(given.length === 0 ? prepared.cmd : given), ...port] }
  const args = [...given, ...port]
  const { path, runBy } = prepared.bin
  return runBy === 'node'
    ? { Entrypoint: ['node'], Cmd: [path, ...args], WorkingDir: '/tmp' }
    : { Entrypoint: [path], Cmd: args, WorkingDir: '/tmp' }
}

function environment(spec: InstanceSpec, prepared: Prepared, port: number | null): string[] {
  const told = spec.http?.port ?? { env: 'PORT' }
  const variables: Record<string, string> = {
    // The root is read-only, and a user in place of the image's own has no home there.
    ...(prepared.user.replaced || prepared.bin !== null ? { HOME: '/tmp' } : {}),
    XDG_CACHE_HOME: '/tmp/.cache',
    npm_config_cache: '/tmp/.npm',
    // Nobody but the agent reaches the server's network, and loopback would shut the agent out.
    ...(port === null ? {} : { HOST: '0.0.0.0' }),
    ...spec.env,
    ...(port !== null && 'env' in told ? { [told.env]: String(port) } : {}),
  }
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`)
}

function portArguments(spec: InstanceSpec, port: number | null): string[] {
  const told = spec.http?.port
  return port !== null && told !== undefined && 'arg' in told ? [told.arg, String(port)] : []
}
