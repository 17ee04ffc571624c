import type { z } from 'zod'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'
import { EnvName } from '#contracts/names.ts'
import { letUsersBring } from '#server/catalog/users-bring.ts'
import {
  draft,
  type HeaderInput,
  type ImportDraft,
  OLDER_SSE,
  Refusal,
  type ReleaseInput,
  slugOf,
  titleOf,
  type VariableInput,
} from './draft.ts'
import { readArguments } from './server-json-arguments.ts'
import { endpointOf, sourceOf } from './server-json-package.ts'
import {
  camelKeys,
  OwnMeta,
  type RegistryInput,
  type RegistryPackage,
  type RegistryRemote,
  ServerJson,
} from './server-json-schema.ts'

/** Reads a `server.json` of the MCP registry, of its present form or an older one. */
export function readServerJson(value: unknown): ImportDraft {
  const name =
    typeof value === 'object' && value !== null && 'name' in value ? String(value.name) : 'server.json'
  return draft(name.slice(0, 200), ({ notes }) => {
    const parsed = ServerJson.safeParse(camelKeys(value))
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new Refusal(`Its ${issue?.path.join('.') || 'value'} is wrong: ${issue?.message}.`)
    }
    const server = parsed.data
    const own = OwnMeta.safeParse(server._meta?.[PUBLISHER]?.toolberth)
    const meta = own.success ? own.data : null
    const version = (server.version ?? server.versionDetail?.version ?? 'latest').slice(0, 64)
    const release = withBin({ ...runnable(server, notes), ...meta?.release, version }, meta?.bin)
    return {
      slug: meta?.slug ?? slugOf(server.name.split('/').at(-1) ?? server.name),
      title: (server.title ?? titleOf(server.name.split('/').at(-1) ?? server.name)).slice(0, 80),
      description: server.description.slice(0, 500),
      categories: meta?.categories ?? [],
      iconUrl: iconOf(server),
      docsUrl: linkOf(server.websiteUrl) ?? linkOf(server.repository?.url),
      publisher:
        meta?.publisher !== undefined ? meta.publisher : (server.name.split('/')[0]?.slice(0, 120) ?? null),
      release: letUsersBring(titled(release, meta?.titles ?? {}), meta?.usersBring ?? []),
    } satisfies z.input<typeof CreateCatalogEntry>
  })
}

/** Where the registry has publishers put what is their own. */
export const PUBLISHER = 'io.modelcontextprotocol.registry/publisher-provided'

type Server = z.infer<typeof ServerJson>

/** The first package that can be run, else the first remote server of the newest transport. Throws Refusal that says why there is none. */
function runnable(server: Server, notes: string[]): Omit<ReleaseInput, 'version'> {
  const reasons: string[] = []
  for (const candidate of server.packages) {
    const tried: string[] = []
    const found = attempt(() => fromPackage(candidate, tried), reasons)
    if (found) return say(found, tried, notes)
  }
  for (const candidate of server.remotes.toSorted((a, b) => Number(isSse(a)) - Number(isSse(b)))) {
    const found = attempt(() => fromRemote(candidate), reasons)
    if (found) return say(found, isSse(candidate) ? [OLDER_SSE] : [], notes)
  }
  throw new Refusal(
    reasons.length > 0 ? [...new Set(reasons)].join(' ') : 'It names neither a package nor a remote server.',
  )
}

const isSse = ({ type }: RegistryRemote): boolean => type === 'sse'

function attempt<T>(work: () => T, reasons: string[]): T | null {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    reasons.push(error.message)
    return null
  }
}

function say<T>(found: T, own: readonly string[], notes: string[]): T {
  notes.push(...own)
  return found
}

function fromPackage(pack: RegistryPackage, notes: string[]): Omit<ReleaseInput, 'version'> {
  const { source, docker } = sourceOf(pack, notes)
  const { fixed, asked } = readArguments(pack.packageArguments)
  const listed = pack.environmentVariables.map(variableOf)
  const variables = [
    ...listed,
    ...docker.variables.filter(({ name }) => !listed.some((one) => one.name === name)),
  ]
  const endpoint = endpointOf(pack)
  const { portArgument } = endpoint
  return {
    source: fixed.length > 0 ? { ...source, args: fixed } : source,
    transport: endpoint.transport,
    ...(endpoint.http && { http: endpoint.http }),
    variables: variables.filter(({ name }) => name !== endpoint.portVariable),
    arguments: asked.filter(({ flag }) => flag === undefined || flag !== portArgument),
    ...(docker.data.length > 0 && { data: docker.data }),
  }
}

function fromRemote(remote: RegistryRemote): Omit<ReleaseInput, 'version'> {
  let url = remote.url
  for (const [name, { default: initial, value }] of Object.entries(remote.variables))
    url = url.replaceAll(`{${name}}`, value ?? initial ?? `{${name}}`)
  const open = /\{([^{}]+)\}/.exec(url)?.[1]
  if (open !== undefined)
    throw new Refusal(
      `The URL of its remote server has a part to fill in (${open}). Add it by hand with your own URL.`,
    )
  return {
    source: { type: 'remote', url },
    transport: isSse(remote) ? 'sse' : 'streamable-http',
    headers: remote.headers.map(headerOf),
  }
}

function headerOf(input: RegistryInput & { name: string }): HeaderInput {
  return { name: input.name, ...inputOf(input) }
}

function variableOf(input: RegistryInput & { name: string }): VariableInput {
  if (!EnvName.safeParse(input.name).success)
    throw new Refusal(`"${input.name.slice(0, 80)}" is no name of a variable.`)
  return { name: input.name, ...inputOf(input) }
}

/** A value with `{parts}` to fill in is asked for as a whole, as secret as its parts are. */
function inputOf(input: RegistryInput): Omit<VariableInput, 'name'> {
  const parts = Object.values(input.variables)
  const template = input.value !== undefined && /\{[^{}]+\}/.test(input.value) && parts.length > 0
  const secret = input.isSecret || (template && parts.some(({ isSecret }) => isSecret))
  const initial = template ? undefined : (input.value ?? input.default)
  const hint = input.placeholder ?? (template ? input.value : undefined)
  return {
    required: input.isRequired || (template && parts.some(({ isRequired }) => isRequired)),
    secret,
    ...(input.description && { description: input.description.slice(0, 500) }),
    ...(initial !== undefined && !secret && { default: initial }),
    ...(input.choices?.length && { choices: input.choices }),
    ...(hint && { placeholder: hint.slice(0, 256) }),
  }
}

function withBin(release: ReleaseInput, bin: string | undefined): ReleaseInput {
  if (bin === undefined || release.source.type !== 'npm') return release
  return { ...release, source: { ...release.source, bin } }
}

function titled<Release extends ReleaseInput>(release: Release, titles: Record<string, string>): Release {
  const withTitle = <One extends object>(kind: string, name: string, one: One): One => {
    const title = titles[`${kind}.${name}`]
    return title === undefined ? one : { ...one, title }
  }
  return {
    ...release,
    variables: release.variables?.map((one) => withTitle('variables', one.name, one)),
    headers: release.headers?.map((one) => withTitle('headers', one.name, one)),
    arguments: release.arguments?.map((one) => withTitle('arguments', one.key, one)),
  }
}

function iconOf(server: Server): string | null {
  return (
    server.icons.map(({ src }) => src).find((src) => src.startsWith('https://') && URL.canParse(src)) ?? null
  )
}

function linkOf(url: string | undefined): string | null {
  return url !== undefined && /^https?:/.test(url) && URL.canParse(url) ? url : null
}
