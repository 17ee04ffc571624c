import type { FieldErrors, Resolver } from 'react-hook-form'
import { DeployServer, type DeployServerInput, type ServerDetail } from '#contracts/servers.ts'

export interface EnvRow {
  name: string
  value: string
  secret: boolean
  /** Name of the secret that the server has already: it stays as it is while `value` is empty. */
  kept?: string
}

/** What the dialog edits; `toDeployInput` makes the contract's shape of it. Numbers stay text until then. */
export interface DeployValues {
  name: string
  description: string
  package: string
  version: string
  bin: string
  args: string
  transport: 'stdio' | 'streamable-http'
  httpPath: string
  httpPortBy: 'env' | 'arg' | 'fixed'
  httpPort: string
  env: EnvRow[]
  toolboxId: string
  visibility: 'everyone' | 'restricted'
  memoryMb: string
  cpus: string
  pids: string
}

export const AUTOMATIC = 'automatic'

export const EMPTY_DEPLOY: DeployValues = {
  name: '',
  description: '',
  package: '',
  version: '',
  bin: '',
  args: '',
  transport: 'stdio',
  httpPath: '/mcp',
  httpPortBy: 'env',
  httpPort: 'PORT',
  env: [],
  toolboxId: AUTOMATIC,
  visibility: 'everyone',
  memoryMb: '512',
  cpus: '1',
  pids: '256',
}

const text = (value: string): string | undefined => value.trim() || undefined

/** An empty box is left to the contract's default; what is no number reaches the contract as NaN and is refused there. */
const number = (value: string): number | undefined => (value.trim() ? Number(value) : undefined)

export function toDeployInput(values: DeployValues): DeployServerInput {
  const args = values.args.split('\n').map((line) => line.trim())
  const port = values.httpPort.trim()
  return {
    name: values.name.trim(),
    description: text(values.description),
    toolboxId: values.toolboxId === AUTOMATIC ? undefined : values.toolboxId,
    source: {
      type: 'npm',
      package: values.package.trim(),
      version: text(values.version),
      bin: text(values.bin),
      args: args.filter(Boolean),
    },
    transport: values.transport,
    http:
      values.transport === 'stdio'
        ? undefined
        : {
            path: text(values.httpPath),
            port:
              values.httpPortBy === 'env'
                ? { env: port }
                : values.httpPortBy === 'arg'
                  ? { arg: port }
                  : { fixed: Number(port) },
          },
    env: Object.fromEntries(
      values.env
        .filter((row) => row.name.trim() || row.value)
        .map((row) => [row.name.trim(), { value: row.value, secret: row.secret }]),
    ),
    limits: { memoryMb: number(values.memoryMb), cpus: number(values.cpus), pids: number(values.pids) },
    visibility: values.visibility,
  }
}

const FIELDS: Record<string, keyof DeployValues> = {
  name: 'name',
  description: 'description',
  toolboxId: 'toolboxId',
  'source.package': 'package',
  'source.version': 'version',
  'source.bin': 'bin',
  'source.args': 'args',
  transport: 'transport',
  'http.path': 'httpPath',
  'http.port': 'httpPort',
  'limits.memoryMb': 'memoryMb',
  'limits.cpus': 'cpus',
  'limits.pids': 'pids',
  visibility: 'visibility',
}

type DeployFieldName = keyof DeployValues | `env.${number}.name` | `env.${number}.value`

/**
 * The box of the dialog that a path of the contract belongs to ("source.package" is "package", "env.API_KEY.value" the row of
 * that name), or null when there is none and the message belongs above the form.
 */
export function fieldOf(path: string, values: DeployValues): DeployFieldName | null {
  if (path.startsWith('env.')) {
    const index = values.env.findIndex((row) => {
      const name = row.name.trim()
      return path === `env.${name}` || path.startsWith(`env.${name}.`)
    })
    if (index < 0) return null
    return path.endsWith('.value') ? `env.${index}.value` : `env.${index}.name`
  }
  const known = Object.keys(FIELDS).find((field) => path === field || path.startsWith(`${field}.`))
  return known ? (FIELDS[known] ?? null) : null
}

function put(errors: Record<string, unknown>, field: string, message: string): void {
  const [list, index, key] = field.split('.')
  if (!list || index === undefined || !key) {
    errors[field] ??= { type: 'validate', message }
    return
  }
  errors[list] ??= []
  const rows = errors[list] as Record<string, unknown>[]
  rows[Number(index)] = { ...rows[Number(index)], [key]: { type: 'validate', message } }
}

interface Found {
  issues: readonly { path: PropertyKey[]; message: string }[]
  /** What no schema knows, by the name of its box. */
  fields?: { field: string; message: string }[]
}

/** Puts what a check finds at the boxes that it belongs to. */
export const resolverOf =
  (check: (values: DeployValues) => Found): Resolver<DeployValues> =>
  async (values) => {
    const errors: Record<string, unknown> = {}
    const seen = new Set<string>()
    for (const [index, row] of values.env.entries()) {
      const name = row.name.trim()
      if (!name && row.value) put(errors, `env.${index}.name`, 'Give the variable a name.')
      if (name && seen.has(name)) put(errors, `env.${index}.name`, 'This variable is there twice.')
      seen.add(name)
    }
    const { issues, fields = [] } = check(values)
    for (const { field, message } of fields) put(errors, field, message)
    for (const issue of issues) {
      const field = fieldOf(issue.path.join('.'), values)
      if (field) put(errors, field, issue.message)
      else put(errors, 'root', issue.message)
    }
    return Object.keys(errors).length > 0
      ? { values: {}, errors: errors as FieldErrors<DeployValues> }
      : { values, errors: {} }
  }

/** Checks the dialog with the very schema that the server uses. */
export const deployResolver = resolverOf((values) => ({
  issues: DeployServer.safeParse(toDeployInput(values)).error?.issues ?? [],
}))

/** The dialog's values for a server that is there, from its latest revision; its secrets are kept unless they are given again. */
export function valuesOf(
  server: Pick<ServerDetail, 'name' | 'description' | 'visibility' | 'revision'>,
): DeployValues {
  const { revision } = server
  if (revision?.source.type !== 'npm') return EMPTY_DEPLOY
  const { source, http, limits } = revision
  const port = http?.port ?? { env: 'PORT' }
  const portBy = 'env' in port ? 'env' : 'arg' in port ? 'arg' : 'fixed'
  return {
    ...EMPTY_DEPLOY,
    name: server.name,
    description: server.description ?? '',
    package: source.package,
    version: source.version ?? '',
    bin: source.bin ?? '',
    args: (source.args ?? []).join('\n'),
    transport: revision.transport === 'stdio' ? 'stdio' : 'streamable-http',
    httpPath: http?.path ?? EMPTY_DEPLOY.httpPath,
    httpPortBy: portBy,
    httpPort: String(Object.values(port)[0]),
    env: revision.env.map(({ name, value, secret }) =>
      secret ? { name, value: '', secret, kept: name } : { name, value: value ?? '', secret },
    ),
    visibility: server.visibility,
    memoryMb: String(limits.memoryMb),
    cpus: String(limits.cpus),
    pids: String(limits.pids),
  }
}

/** A short name out of a package's: "@modelcontextprotocol/server-everything" gives "everything". */
export function suggestName(packageName: string): string {
  const bare = packageName.trim().toLowerCase().split('/').at(-1) ?? ''
  const slug = bare
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^(mcp-server-|server-|mcp-)|(-mcp-server|-server|-mcp)$/g, '')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return slug.length >= 3 ? slug : ''
}

const SECRET_NAME = /(KEY|TOKEN|SECRET|PASS|PASSWORD|CREDENTIALS?|DSN|PRIVATE)(_|$)/i

export const looksSecret = (name: string): boolean => SECRET_NAME.test(name)

/** Rows of a pasted `.env` block; lines that are no assignment are left out. */
export function parseEnvBlock(block: string): EnvRow[] {
  return block.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    const [, name, raw] = match ?? []
    if (!name || raw === undefined) return []
    const quoted = /^(["'])(.*)\1$/.exec(raw)
    return [{ name, value: quoted?.[2] ?? raw, secret: looksSecret(name) }]
  })
}
