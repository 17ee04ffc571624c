import type { CatalogArgument, CatalogRelease } from '#contracts/catalog.ts'
import type { CatalogOrigin, DeployServer } from '#contracts/servers.ts'
import type { Source, SourceChange } from '#contracts/sources.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { fetchEntry } from './fetch.ts'
import { releasesOf } from './view.ts'

type CatalogSource = Extract<SourceChange, { type: 'catalog' }>
type Answers = NonNullable<CatalogSource['arguments']>
type Fields = Record<string, string[]>

/** What a deployment from the catalog is about, in the words of one that names its source itself. */
export interface Resolved {
  origin: CatalogOrigin
  release: CatalogRelease
  source: Exclude<Source, { type: 'catalog' }>
}

/** The revision that an update starts from: its headers stay, for the origin that they were given for. */
export interface Kept {
  source: Source
  headers: Readonly<Record<string, string>>
}

/**
 * The release that a source names, its arguments and headers filled in. Throws AppError BAD_REQUEST naming `source.slug`,
 * `source.version`, `source.arguments.<key>` or `source.headers.<name>`.
 */
export async function resolveSource(db: Db, source: CatalogSource, kept?: Kept): Promise<Resolved> {
  const release = await findRelease(db, source)
  const fields: Fields = {}
  const origin = { slug: source.slug, version: release.version, arguments: source.arguments ?? {} }
  const resolved = {
    origin,
    release,
    source:
      release.source.type === 'remote'
        ? { ...release.source, headers: headersOf(release, release.source.url, source, kept, fields) }
        : withArguments(release.source, release.arguments, source, fields),
  }
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'answers are wrong', { fields })
  return resolved as Resolved
}

async function findRelease(db: Db, source: CatalogSource): Promise<CatalogRelease> {
  const entry = await fetchEntry(db, { slug: source.slug }).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error
    throw new AppError('BAD_REQUEST', error.message, {
      fields: { 'source.slug': [`The catalog has no entry named "${source.slug}".`] },
    })
  })
  const releases = releasesOf(entry)
  const release = source.version ? releases.find(({ version }) => version === source.version) : releases[0]
  if (!release)
    throw new AppError('BAD_REQUEST', `no version ${source.version}`, {
      fields: {
        'source.version': [
          `"${source.slug}" has no version ${source.version}. It has ${releases.map(({ version }) => version).join(', ')}.`,
        ],
      },
    })
  return release
}

function withArguments(
  source: Source,
  asked: readonly CatalogArgument[],
  { arguments: answers = {}, headers }: CatalogSource,
  fields: Fields,
): Source {
  for (const key of Object.keys(answers))
    if (!asked.some((one) => one.key === key))
      fields[`source.arguments.${key}`] = ['The entry asks for no such argument.']
  if (Object.keys(headers ?? {}).length > 0)
    fields['source.headers'] = ['Only an entry of a remote server takes headers.']
  const fixed = 'args' in source ? (source.args ?? []) : []
  const args = [...fixed, ...asked.flatMap((one) => argumentOf(one, answers, fields))]
  return args.length > 0 ? ({ ...source, args } as Source) : source
}

function argumentOf(asked: CatalogArgument, answers: Answers, fields: Fields): string[] {
  const refuse = (text: string): string[] => {
    fields[`source.arguments.${asked.key}`] = [text]
    return []
  }
  const answer = answers[asked.key] ?? asked.default
  const values = (answer === undefined ? [] : [answer].flat()).filter((value) => value !== '')
  if (values.length === 0) return asked.required ? refuse('This has to be given.') : []
  if (values.length > 1 && !asked.repeated) return refuse('Give this once only.')
  const { choices } = asked
  if (choices && values.some((value) => !choices.includes(value)))
    return refuse(`Choose one of ${choices.join(', ')}.`)
  return values.flatMap((value) => (asked.flag === undefined ? [value] : [asked.flag, value]))
}

function headersOf(
  release: CatalogRelease,
  url: string,
  source: CatalogSource,
  kept: Kept | undefined,
  fields: Fields,
): Record<string, string> {
  if (Object.keys(source.arguments ?? {}).length > 0)
    fields['source.arguments'] = ['A remote server takes no arguments.']
  const stays = kept?.source.type === 'remote' && new URL(kept.source.url).origin === new URL(url).origin
  const before = new Map(
    Object.entries(stays ? kept.headers : {}).map(([name, value]) => [name.toLowerCase(), { name, value }]),
  )
  // By name in lower case, each with the name that it is sent with.
  const given = new Map(source.headers === undefined ? before : [])
  for (const [name, value] of Object.entries(source.headers ?? {})) {
    const own = typeof value === 'string' ? value : before.get(name.toLowerCase())?.value
    if (own !== undefined) given.set(name.toLowerCase(), { name, value: own })
    else fields[`source.headers.${name}`] = ['The server has no such header to keep. Give it a value.']
  }
  const headers: Record<string, string> = {}
  for (const asked of release.headers) {
    const value = given.get(asked.name.toLowerCase())?.value || asked.default
    given.delete(asked.name.toLowerCase())
    const field = `source.headers.${asked.name}`
    if (value) headers[asked.name] = value
    else if (asked.required) fields[field] ??= ['This has to be given.']
    if (value && asked.choices && !asked.choices.includes(value))
      fields[field] = [`Choose one of ${asked.choices.join(', ')}.`]
  }
  // One that is not asked for is the admin's own, such as what a proxy on the way wants.
  for (const { name, value } of given.values()) headers[name] = value
  return headers
}

type EnvIn = Record<string, { keep: true } | { value: string; secret?: boolean | undefined }>

/**
 * The variables of a deployment: what was given, the release's defaults for what was not, and secret what the release calls so.
 * Others than those asked for are passed on. Throws AppError BAD_REQUEST naming `env.<NAME>`.
 */
export function resolveEnv<Env extends EnvIn>(
  release: CatalogRelease,
  given: Env | undefined,
  kept: Readonly<Record<string, { value: string }>> = {},
): Env {
  const env: EnvIn = { ...given }
  const fields: Fields = {}
  for (const { name, required, secret, choices, default: initial } of release.variables) {
    const own = env[name]
    if (own === undefined || ('value' in own && own.value === '' && required)) {
      if (initial !== undefined) env[name] = { value: initial, secret }
      else if (required) fields[`env.${name}`] = ['This has to be given.']
    } else if ('value' in own) env[name] = { value: own.value, secret: secret || (own.secret ?? false) }
    const now = env[name]
    const value = now === undefined ? undefined : 'value' in now ? now.value : kept[name]?.value
    if (choices && value && !choices.includes(value))
      fields[`env.${name}`] = [`Choose one of ${choices.join(', ')}.`]
  }
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'variables are wrong', { fields })
  return env as Env
}

/** Refuses a transport that the release does not speak. Throws AppError BAD_REQUEST. */
export function resolveTransport(
  release: CatalogRelease,
  asked: DeployServer['transport'],
): CatalogRelease['transport'] {
  if (asked !== undefined && asked !== release.transport)
    throw new AppError('BAD_REQUEST', `transport ${asked}`, {
      fields: { transport: [`This entry speaks ${release.transport}. Leave the transport out.`] },
    })
  return release.transport
}
