import type { FieldErrors, Resolver } from 'react-hook-form'
import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { isFilled } from '#app/components/servers/user-credential-values.ts'
import { DeployServer } from '#contracts/servers.ts'

const FIELDS: Record<string, keyof DeployValues> = {
  name: 'name',
  description: 'description',
  toolboxId: 'toolboxId',
  'source.slug': 'catalogSlug',
  'source.version': 'version',
  'source.package': 'package',
  'source.bin': 'bin',
  'source.image': 'image',
  'source.url': 'url',
  'source.args': 'args',
  transport: 'transport',
  'http.path': 'httpPath',
  http: 'httpPort',
  'limits.memoryMb': 'memoryMb',
  'limits.cpus': 'cpus',
  'limits.pids': 'pids',
  data: 'data',
  drainSeconds: 'drainSeconds',
  sharing: 'sharing',
  visibility: 'visibility',
  grants: 'grants',
  source: 'sourceType',
}

export type DeployFieldName =
  | keyof DeployValues
  | `env.${number}.name`
  | `env.${number}.value`
  | `headers.${number}.name`
  | `headers.${number}.value`
  | `answers.${number}.value`
  | `userCredentials.${number}.name`
  | `userCredentials.${number}.description`

/** Whether `path` is `field` or a part of it. */
const within = (path: string, field: string): boolean => path === field || path.startsWith(`${field}.`)

function rowOf(path: string, list: 'env' | 'headers', at: string, values: DeployValues) {
  const rows: { name: string; asked?: unknown }[] = values[list]
  const index = rows.findIndex((row) => within(path, `${at}.${row.name.trim()}`))
  if (index < 0) return null
  // The name of what a catalog entry asks for is not the person's to correct.
  const part = path.endsWith('.value') || rows[index]?.asked ? 'value' : 'name'
  return `${list}.${index}.${part}` as const
}

/**
 * The box that a path of the contract belongs to ("source.package" is "package", "env.API_KEY.value" the row of that name), or
 * null when there is none and the message belongs above the form.
 */
export function fieldOf(path: string, values: DeployValues): DeployFieldName | null {
  if (path.startsWith('env.')) return rowOf(path, 'env', 'env', values)
  if (path.startsWith('source.headers.')) return rowOf(path, 'headers', 'source.headers', values)
  if (path.startsWith('source.arguments.')) {
    const index = values.answers.findIndex(({ asked }) => within(path, `source.arguments.${asked.key}`))
    return index < 0 ? null : `answers.${index}.value`
  }
  const [, asked, box] = /^userCredentials\.(\d+)(?:\.(\w+))?/.exec(path) ?? []
  if (asked !== undefined) {
    // Rows that are empty are not sent.
    const index = values.userCredentials.flatMap((row, at) => (isFilled(row) ? [at] : []))[Number(asked)]
    return index === undefined
      ? null
      : `userCredentials.${index}.${box === 'description' ? 'description' : 'name'}`
  }
  if (path === 'source.version' && values.sourceType === 'catalog') return 'catalogVersion'
  const known = Object.keys(FIELDS).find((field) => within(path, field))
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
  rows[Number(index)] = { [key]: { type: 'validate', message }, ...rows[Number(index)] }
}

interface Found {
  issues: readonly { path: PropertyKey[]; message: string }[]
  /** What no schema knows, by the name of its box. */
  fields?: { field: DeployFieldName; message: string }[]
}

/** What the schema cannot tell: names that are missing or there twice, and answers that the catalog requires. */
function rowErrors(values: DeployValues): NonNullable<Found['fields']> {
  const found: NonNullable<Found['fields']> = []
  if (values.sourceType === 'config')
    found.push({ field: 'configText', message: 'Find its servers, and choose the one to deploy.' })
  if (values.sourceType === 'catalog' && !values.catalogSlug)
    found.push({ field: 'catalogSlug', message: 'Choose an entry of the catalog.' })
  for (const list of ['env', 'headers'] as const) {
    const seen = new Set<string>()
    const noun = list === 'env' ? 'variable' : 'header'
    for (const [index, row] of values[list].entries()) {
      const name = list === 'env' ? row.name.trim() : row.name.trim().toLowerCase()
      if (!name && row.value)
        found.push({ field: `${list}.${index}.name`, message: `Give the ${noun} a name.` })
      if (name && seen.has(name))
        found.push({ field: `${list}.${index}.name`, message: `This ${noun} is there twice.` })
      if (row.asked?.required && !row.value && !row.kept)
        found.push({ field: `${list}.${index}.value`, message: 'It does not run without this.' })
      seen.add(name)
    }
  }
  for (const [index, { asked, value }] of values.answers.entries())
    if (asked.required && !value.trim())
      found.push({ field: `answers.${index}.value`, message: 'It does not run without this.' })
  return found
}

/** Puts what a check finds at the boxes that it belongs to. */
export function errorsOf(values: DeployValues, { issues, fields = [] }: Found): FieldErrors<DeployValues> {
  const errors: Record<string, unknown> = {}
  for (const { field, message } of [...rowErrors(values), ...fields]) put(errors, field, message)
  for (const issue of issues) {
    const field = fieldOf(issue.path.join('.'), values)
    if (field) put(errors, field, issue.message)
    else put(errors, 'root', issue.message)
  }
  return errors
}

export const resolverOf =
  (check: (values: DeployValues) => Found): Resolver<DeployValues> =>
  async (values) => {
    const errors = errorsOf(values, check(values))
    return Object.keys(errors).length > 0 ? { values: {}, errors } : { values, errors: {} }
  }

/** Checks the wizard with the very schema that the server uses. */
export const checkDeploy = (values: DeployValues): Found => ({
  issues: DeployServer.safeParse(toDeployInput(values)).error?.issues ?? [],
})
