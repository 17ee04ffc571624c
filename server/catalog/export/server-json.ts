import type { CatalogArgument, CatalogHeader, CatalogRelease, CatalogVariable } from '#contracts/catalog.ts'
import { PUBLISHER } from '#server/catalog/import/server-json.ts'
import type { Exported, Say } from './parts.ts'

/** The form of the registry's files that is written. */
const SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'

/** One entry as a `server.json`; several as the list that the registry answers. */
export function serverJson(all: readonly Exported[], say: Say): string {
  const documents = all.map((one) => documentOf(one, say))
  const [only] = documents
  const value = documents.length === 1 ? only : { servers: documents.map((server) => ({ server })) }
  return `${JSON.stringify(value, null, 2)}\n`
}

function documentOf(exported: Exported, say: Say): Record<string, unknown> {
  const { entry, release } = exported
  if (entry.releases.length > 1) say('Only the newest release of each entry is exported.')
  if (entry.description.length > 100)
    say(`${entry.slug}: the registry takes descriptions of at most 100 characters.`)
  return {
    $schema: SCHEMA,
    // Names of the registry have a namespace; this one is nobody's, and has to be changed before publishing.
    name: `local.toolberth/${entry.slug}`,
    title: entry.title,
    description: entry.description,
    version: release.version,
    ...(entry.docsUrl && { websiteUrl: entry.docsUrl }),
    ...(entry.iconUrl && { icons: [{ src: entry.iconUrl }] }),
    ...placeOf(release),
    _meta: { [PUBLISHER]: { toolberth: ownOf(exported) } },
  }
}

function placeOf(release: CatalogRelease): Record<string, unknown> {
  const { source, headers } = release
  if (source.type === 'remote')
    return {
      remotes: [{ type: release.transport, url: source.url, ...listed('headers', headers.map(inputOf)) }],
    }
  const fixed = ('args' in source ? (source.args ?? []) : []).map((value) => ({ type: 'positional', value }))
  const own = {
    ...listed('packageArguments', [...fixed, ...release.arguments.map(argumentOf)]),
    ...listed('environmentVariables', release.variables.map(inputOf)),
  }
  const transport = transportOf(release)
  if (source.type === 'npm')
    return {
      packages: [
        {
          registryType: 'npm',
          registryBaseUrl: 'https://registry.npmjs.org',
          identifier: source.package,
          ...(source.version !== undefined && { version: source.version }),
          runtimeHint: 'npx',
          transport,
          ...own,
        },
      ],
    }
  if (source.type !== 'image') return {}
  return {
    packages: [{ registryType: 'oci', identifier: source.image, runtimeHint: 'docker', transport, ...own }],
  }
}

function transportOf({ transport, http }: CatalogRelease): Record<string, unknown> {
  if (transport === 'stdio') return { type: 'stdio' }
  const { path, port } = http ?? { path: '/mcp', port: { env: 'PORT' } }
  const place = 'fixed' in port ? port.fixed : `{${'env' in port ? port.env : port.arg}}`
  return { type: 'streamable-http', url: `http://localhost:${place}${path}` }
}

const listed = (name: string, list: readonly unknown[]) => (list.length > 0 ? { [name]: list } : {})

function inputOf(asked: CatalogVariable | CatalogHeader): Record<string, unknown> {
  const { name, description, required, secret, choices, placeholder } = asked
  return {
    name,
    ...(description !== undefined && { description }),
    ...(required && { isRequired: true }),
    ...(secret && { isSecret: true }),
    ...(asked.default !== undefined && { default: asked.default }),
    ...(choices && { choices }),
    ...(placeholder !== undefined && { placeholder }),
  }
}

function argumentOf(asked: CatalogArgument): Record<string, unknown> {
  const { key, flag, description, required, choices, repeated } = asked
  return {
    ...(flag === undefined ? { type: 'positional' } : { type: 'named', name: flag }),
    valueHint: key,
    ...(description !== undefined && { description }),
    ...(required && { isRequired: true }),
    ...(asked.default !== undefined && { default: asked.default }),
    ...(choices && { choices }),
    ...(repeated && { isRepeated: true }),
  }
}

/** What only Toolberth knows of an entry; read again by its own import. */
function ownOf({ entry, release, userCredentials }: Exported): Record<string, unknown> {
  const { limits, data, http, source } = release
  const usersBring = userCredentials.map(({ name }) => name)
  const titles = Object.fromEntries(
    [
      ...release.variables.map((one) => [`variables.${one.name}`, one.title] as const),
      ...release.headers.map((one) => [`headers.${one.name}`, one.title] as const),
      ...release.arguments.map((one) => [`arguments.${one.key}`, one.title] as const),
    ].filter(([, title]) => title !== undefined),
  )
  return {
    slug: entry.slug,
    categories: entry.categories,
    publisher: entry.publisher,
    ...(Object.keys(titles).length > 0 && { titles }),
    ...(usersBring.length > 0 && { usersBring }),
    ...(source.type === 'npm' && source.bin !== undefined && { bin: source.bin }),
    release: { limits, data, ...(http && { http }) },
  }
}
