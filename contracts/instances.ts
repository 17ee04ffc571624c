import { z } from 'zod'
import {
  EnvName,
  ForeignText,
  HeaderName,
  Id,
  ImageReference,
  NpmPackageName,
  NpmVersion,
  Text,
} from './names.ts'

export const Transport = z.enum(['stdio', 'streamable-http', 'sse'])
export type Transport = z.infer<typeof Transport>

/**
 * How sessions use a server. `shared`: one process serves all. `isolated`: each session has a process (or container) of its own, in the
 * stateless era each agent; the only way to hand a process variables of one user. For stdio servers that declare no data.
 */
export const Sharing = z.enum(['shared', 'isolated'])
export type Sharing = z.infer<typeof Sharing>

/** Memory in MiB, CPU in cores, processes and threads counted together. */
export const Limits = z.object({
  memoryMb: z.int().min(64, 'At least 64 MiB.').max(65_536, 'At most 65536 MiB.').default(512),
  cpus: z.number().min(0.1, 'At least 0.1.').max(64, 'At most 64.').default(1),
  pids: z.int().min(16, 'At least 16.').max(4096, 'At most 4096.').default(256),
})
export type Limits = z.infer<typeof Limits>

/** Some of them, without defaults: what is left out stays as it is. (`Limits.partial()` would fill its defaults in.) */
export const SomeLimits = z.object({
  memoryMb: Limits.shape.memoryMb.unwrap().optional(),
  cpus: Limits.shape.cpus.unwrap().optional(),
  pids: Limits.shape.pids.unwrap().optional(),
})

/** Where a streamable-http server listens: how it is told its port, and the path of its MCP endpoint. */
export const HttpEndpoint = z.object({
  path: z
    .string()
    .max(256)
    .regex(/^\/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$/, 'A path starts with "/".')
    .default('/mcp'),
  port: z
    .union([
      z.strictObject({ env: EnvName }),
      z.strictObject({ arg: Text.min(1).max(64) }),
      z.strictObject({ fixed: z.int().min(1024).max(65_535) }),
    ])
    .default({ env: 'PORT' }),
})
export type HttpEndpoint = z.infer<typeof HttpEndpoint>

/** A path inside a container or below the server's own folder that outlives revisions. */
export const DataMount = z.strictObject({
  mountPath: z
    .string()
    .max(256)
    .regex(
      /^\/[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/,
      'An absolute path of letters, digits, dots, dashes and underscores.',
    )
    .refine((path) => !path.split('/').includes('..'), 'A path without "..".'),
})
export type DataMount = z.infer<typeof DataMount>

/**
 * What the agent runs. `args` go to the package's executable or the image's entry point; never through a shell. A remote server runs
 * elsewhere: the agent only passes calls on, with `headers`.
 */
export const InstanceSource = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('npm'),
    package: NpmPackageName,
    version: NpmVersion.optional(),
    bin: z.string().max(214).optional(),
    args: z.array(z.string().max(4096)).max(64).default([]),
  }),
  z.object({
    type: z.literal('image'),
    image: ImageReference,
    args: z.array(z.string().max(4096)).max(64).default([]),
    /** For a private registry. */
    credentials: z.object({ username: z.string().max(256), password: z.string().max(8192) }).optional(),
  }),
  z.object({
    type: z.literal('remote'),
    url: z.url({ protocol: /^https?$/ }).max(2048),
    headers: z.record(z.string(), z.string()).default({}),
  }),
])
export type InstanceSource = z.infer<typeof InstanceSource>
export type NpmSource = Extract<InstanceSource, { type: 'npm' }>

/** The whole immutable spec of an instance as the agent gets it, secrets in clear (over mutual TLS only). */
export const InstanceSpec = z.object({
  serverId: Id,
  serverName: z.string(),
  revisionId: Id,
  source: InstanceSource,
  transport: Transport,
  http: HttpEndpoint.optional(),
  /** The limits hold for each process of an isolated server. */
  sharing: Sharing.default('shared'),
  env: z.record(EnvName, z.string().max(32_768)),
  /** Names of variables that each user has to give; for an isolated server, and never within `env`. */
  userEnv: z.array(EnvName).max(16).default([]),
  /** Names within `env` whose values are redacted from logs. */
  secretNames: z.array(EnvName),
  limits: Limits,
  /** Headers that each user has to give: without them the server may answer a look at it with 401 or 403. */
  userHeaders: z.array(HeaderName).max(16).optional(),
  /** Volumes of the server, shared by its revisions; deleted with the server. */
  data: z.array(DataMount).max(8).default([]),
})
export type InstanceSpec = z.infer<typeof InstanceSpec>

export const DesiredState = z.enum(['running', 'stopped', 'absent'])
export type DesiredState = z.infer<typeof DesiredState>

/**
 * What the agent sees. `pending` accepted, nothing done yet; `installing` fetching the package; `starting` process up, not yet
 * answering; `running` answering on its transport; `backoff` exited and waiting for its restart; `exited` ended and not restarted
 * (never became ready, or asked to stop: see `desired`); `failed` could not be installed or started; `removing`; `absent` nothing
 * of it is left.
 */
export const InstanceState = z.enum([
  'pending',
  'installing',
  'starting',
  'running',
  'backoff',
  'stopping',
  'stopped',
  'exited',
  'failed',
  'removing',
  'absent',
])
export type InstanceState = z.infer<typeof InstanceState>

/** Why an instance is `failed`, `exited` or in `backoff`: codes of the error catalogue that an agent may report. */
export const InstanceErrorCode = z.enum([
  'PACKAGE_NOT_FOUND',
  'PACKAGE_VERSION_NOT_FOUND',
  'PACKAGE_INSTALL_FAILED',
  'PACKAGE_HAS_NO_BIN',
  'IMAGE_NOT_FOUND',
  'IMAGE_ACCESS_DENIED',
  'IMAGE_PULL_FAILED',
  'IMAGE_NOT_RUNNABLE',
  'SOURCE_UNSUPPORTED',
  'ENGINE_UNAVAILABLE',
  'REMOTE_ADDRESS_REFUSED',
  'REMOTE_UNREACHABLE',
  'REMOTE_TLS_FAILED',
  'REMOTE_REDIRECTS',
  'DNS_FAILED',
  'AUTH_REQUIRED',
  'SERVER_FORBIDS',
  'ENDPOINT_NOT_FOUND',
  'PROTOCOL_VERSION_UNSUPPORTED',
  'UPSTREAM_UNAVAILABLE',
  'PROTOCOL_ERROR',
  'SERVER_EXITED',
  'SERVER_NEEDS_VARIABLE',
  'SERVER_OUT_OF_MEMORY',
  'SERVER_TOO_MANY_PROCESSES',
  'SERVER_NOT_LISTENING',
  'NOT_AN_MCP_SERVER',
  'ISOLATION_UNAVAILABLE',
  'TOOLBOX_DISK_FULL',
  'TOOLBOX_INTERNAL',
])
export type InstanceErrorCode = z.infer<typeof InstanceErrorCode>

export const InstanceError = z.object({
  code: InstanceErrorCode,
  /** Technical detail for admins, redacted, one paragraph. */
  detail: ForeignText.max(4000),
  /** The variable's name for SERVER_NEEDS_VARIABLE. */
  variable: ForeignText.optional(),
})
export type InstanceError = z.infer<typeof InstanceError>

export const InstanceStatus = z.object({
  id: Id,
  /** Highest fence the agent accepted for this instance. */
  fence: z.int32().nonnegative(),
  desired: DesiredState,
  state: InstanceState,
  /** Real step inside the state, e.g. "Installing packages"; null when there is none. */
  phase: ForeignText.max(200).nullable(),
  exitCode: z.int32().nullable(),
  signal: ForeignText.nullable(),
  restarts: z.int32().nonnegative(),
  startedAt: z.iso.datetime().nullable(),
  /** Version really installed, once known. */
  resolvedVersion: ForeignText.nullable(),
  error: InstanceError.nullable(),
  memoryBytes: z.number().nonnegative().max(Number.MAX_SAFE_INTEGER).nullable(),
})
export type InstanceStatus = z.infer<typeof InstanceStatus>
