import type { FieldErrors, Path, Resolver } from 'react-hook-form'
import {
  toUserCredentials,
  type UserCredentialRow,
  userCredentialRows,
} from '#app/components/servers/user-credential-values.ts'
import { type CatalogEntry, type CatalogRelease, CreateCatalogEntry } from '#contracts/catalog.ts'

export interface AskedRow {
  /** Name of a variable or header, or key of an argument. */
  name: string
  title: string
  description: string
  required: boolean
  secret: boolean
  default: string
  /** One a line. */
  choices: string
  placeholder: string
  /** Of an argument. */
  flag: string
  repeated: boolean
}

/** What the form edits; `toEntry` makes the contract's shape of it. Numbers and lists stay text until then. */
export interface EntryValues {
  slug: string
  title: string
  description: string
  categories: string
  iconUrl: string
  docsUrl: string
  publisher: string
  version: string
  sourceType: 'npm' | 'image' | 'remote'
  package: string
  packageVersion: string
  bin: string
  image: string
  url: string
  args: string
  transport: 'stdio' | 'streamable-http' | 'sse'
  httpPath: string
  httpPortBy: 'env' | 'arg' | 'fixed'
  httpPort: string
  variables: AskedRow[]
  arguments: AskedRow[]
  headers: AskedRow[]
  userCredentials: UserCredentialRow[]
  memoryMb: string
  cpus: string
  pids: string
  data: string
}

export const EMPTY_ASKED: AskedRow = {
  name: '',
  title: '',
  description: '',
  required: false,
  secret: false,
  default: '',
  choices: '',
  placeholder: '',
  flag: '',
  repeated: false,
}

export const EMPTY_ENTRY: EntryValues = {
  slug: '',
  title: '',
  description: '',
  categories: '',
  iconUrl: '',
  docsUrl: '',
  publisher: '',
  version: '',
  sourceType: 'npm',
  package: '',
  packageVersion: '',
  bin: '',
  image: '',
  url: '',
  args: '',
  transport: 'stdio',
  httpPath: '/mcp',
  httpPortBy: 'env',
  httpPort: 'PORT',
  variables: [],
  arguments: [],
  headers: [],
  userCredentials: [],
  memoryMb: '',
  cpus: '',
  pids: '',
  data: '',
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')
const given = <K extends string>(key: K, value: string) => (value === '' ? {} : { [key]: value })

/** The values of an entry and one of its releases, as they stand. */
export function valuesOfEntry(entry: CatalogEntry, release: CatalogRelease): EntryValues {
  const { source, http, limits } = release
  const port = http?.port ?? { env: 'PORT' }
  const text = (value: number | undefined) => (value === undefined ? '' : String(value))
  return {
    ...EMPTY_ENTRY,
    slug: entry.slug,
    title: entry.title,
    description: entry.description,
    categories: entry.categories.join(', '),
    iconUrl: entry.iconUrl ?? '',
    docsUrl: entry.docsUrl ?? '',
    publisher: entry.publisher ?? '',
    version: release.version,
    sourceType: source.type,
    ...(source.type === 'npm' && {
      package: source.package,
      packageVersion: source.version ?? '',
      bin: source.bin ?? '',
    }),
    ...(source.type === 'image' && { image: source.image }),
    ...(source.type === 'remote' && { url: source.url }),
    args: 'args' in source ? (source.args ?? []).join('\n') : '',
    transport: release.transport,
    httpPath: http?.path ?? '/mcp',
    httpPortBy: 'env' in port ? 'env' : 'arg' in port ? 'arg' : 'fixed',
    httpPort: String('env' in port ? port.env : 'arg' in port ? port.arg : port.fixed),
    variables: release.variables.map((one) => rowOf(one.name, one)),
    headers: release.headers.map((one) => rowOf(one.name, one)),
    arguments: release.arguments.map((one) => rowOf(one.key, one)),
    userCredentials: userCredentialRows(release.userCredentials),
    memoryMb: text(limits.memoryMb),
    cpus: text(limits.cpus),
    pids: text(limits.pids),
    data: release.data.map(({ mountPath }) => mountPath).join('\n'),
  }
}

type Asked = Partial<Omit<AskedRow, 'choices'>> & { choices?: string[] | undefined }

function rowOf(name: string, { choices, ...asked }: { [K in keyof Asked]?: Asked[K] | undefined }): AskedRow {
  const own = Object.fromEntries(
    Object.entries(asked).filter(([key, value]) => value !== undefined && key in EMPTY_ASKED),
  )
  return { ...EMPTY_ASKED, ...own, name, choices: (choices ?? []).join('\n') }
}

function askedOf(row: AskedRow) {
  const choices = lines(row.choices)
  return {
    ...given('title', row.title.trim()),
    ...given('description', row.description.trim()),
    required: row.required,
    ...given('default', row.default),
    ...(choices.length > 0 && { choices }),
  }
}

function variableOf(row: AskedRow) {
  const name = row.name.trim()
  return { name, secret: row.secret, ...given('placeholder', row.placeholder), ...askedOf(row) }
}

function argumentOf(row: AskedRow) {
  return { key: row.name.trim(), repeated: row.repeated, ...given('flag', row.flag.trim()), ...askedOf(row) }
}

function sourceOf(values: EntryValues) {
  const args = lines(values.args)
  const own = args.length > 0 ? { args } : {}
  if (values.sourceType === 'remote') return { type: 'remote', url: values.url.trim() }
  if (values.sourceType === 'image') return { type: 'image', image: values.image.trim(), ...own }
  return {
    type: 'npm',
    package: values.package.trim(),
    ...given('version', values.packageVersion.trim()),
    ...given('bin', values.bin.trim()),
    ...own,
  }
}

function httpOf({ httpPath, httpPortBy, httpPort }: EntryValues) {
  const port = httpPort.trim()
  return { path: httpPath.trim(), port: { [httpPortBy]: httpPortBy === 'fixed' ? Number(port) : port } }
}

/** What users of such a server can be asked for. */
export const askedKind = ({ sourceType, transport }: Pick<EntryValues, 'sourceType' | 'transport'>) =>
  sourceType !== 'remote' && transport === 'stdio' ? ('env' as const) : ('header' as const)

/** Remote servers are not started over stdio, and what is started speaks nothing older than streamable HTTP. */
function transportOf({ sourceType, transport }: EntryValues): EntryValues['transport'] {
  if (sourceType === 'remote') return transport === 'stdio' ? 'streamable-http' : transport
  return transport === 'sse' ? 'streamable-http' : transport
}

/** As the contract takes it; whether it is right is the contract's to say. */
export function toEntry(values: EntryValues): unknown {
  const remote = values.sourceType === 'remote'
  const listens = !remote && transportOf(values) === 'streamable-http'
  const number = (key: string, text: string) => (text.trim() === '' ? {} : { [key]: Number(text) })
  return {
    slug: values.slug.trim(),
    title: values.title.trim(),
    description: values.description.trim(),
    categories: values.categories
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
    iconUrl: values.iconUrl.trim() || null,
    docsUrl: values.docsUrl.trim() || null,
    publisher: values.publisher.trim() || null,
    release: {
      version: values.version.trim(),
      source: sourceOf(values),
      transport: transportOf(values),
      ...(listens && { http: httpOf(values) }),
      variables: remote ? [] : values.variables.map(variableOf),
      arguments: remote ? [] : values.arguments.map(argumentOf),
      headers: remote ? values.headers.map(variableOf) : [],
      userCredentials: toUserCredentials(values.userCredentials, askedKind(values)),
      limits: remote
        ? {}
        : {
            ...number('memoryMb', values.memoryMb),
            ...number('cpus', values.cpus),
            ...number('pids', values.pids),
          },
      data: remote ? [] : lines(values.data).map((mountPath) => ({ mountPath: mountPath.trim() })),
    },
  }
}

const BOXES: Record<string, keyof EntryValues> = {
  'source.version': 'packageVersion',
  'source.package': 'package',
  'source.bin': 'bin',
  'source.image': 'image',
  'source.url': 'url',
  'source.args': 'args',
  'http.path': 'httpPath',
  'http.port': 'httpPort',
  'limits.memoryMb': 'memoryMb',
  'limits.cpus': 'cpus',
  'limits.pids': 'pids',
}

/** The box of the form that a field of the contract is typed into, for errors of both the contract and the server. */
export function boxOf(field: string): Path<EntryValues> | null {
  const path = field.replace(/^release\./, '').split('.')
  const [first = '', second = '', third = ''] = path
  if (['variables', 'arguments', 'headers'].includes(first) && /^\d+$/.test(second)) {
    const box = third === 'key' || third === '' ? 'name' : third
    return `${first}.${second}.${box}` as Path<EntryValues>
  }
  if (first === 'userCredentials' && /^\d+$/.test(second))
    return `userCredentials.${Number(second)}.${third === 'description' ? third : 'name'}`
  const known = BOXES[`${first}.${second}`] ?? first
  return known in EMPTY_ENTRY ? (known as Path<EntryValues>) : null
}

/** Checks by the contract, and says at the box what is wrong with it. */
export const entryResolver: Resolver<EntryValues> = async (values) => {
  const parsed = CreateCatalogEntry.safeParse(toEntry(values))
  if (parsed.success) return { values, errors: {} }
  const errors: Record<string, unknown> = {}
  for (const { path, message } of parsed.error.issues) {
    const box = boxOf(path.join('.')) ?? 'root'
    put(errors, box.split('.'), { type: 'contract', message })
  }
  return { values: {}, errors: errors as FieldErrors<EntryValues> }
}

/** Sets `a.0.b`, where an earlier error stays. */
function put(errors: Record<string, unknown>, [first = '', ...rest]: string[], error: unknown): void {
  if (rest.length === 0) {
    errors[first] ??= error
    return
  }
  errors[first] ??= {}
  put(errors[first] as Record<string, unknown>, rest, error)
}
