import { type DeployValues, EMPTY_DEPLOY, httpValues } from '#app/components/servers/deploy-values.ts'
import { userCredentialRows } from '#app/components/servers/user-credential-values.ts'
import type { CatalogEntry, CatalogRelease } from '#contracts/catalog.ts'

type Named = Pick<CatalogEntry, 'slug' | 'description'>

/** The form of a release: what it asks for as rows, what it suggests filled in, and what was answered already kept. */
export function releaseValues(before: DeployValues, entry: Named, release: CatalogRelease): DeployValues {
  const answered = (rows: readonly { name: string; value: string }[], name: string) =>
    rows.find((row) => row.name === name)?.value
  const own = withoutAsked(before)
  const { limits } = release
  const same = before.sourceType === 'catalog' && before.catalogSlug === entry.slug
  return {
    ...own,
    sourceType: 'catalog',
    catalogSlug: entry.slug,
    catalogVersion: release.version,
    catalogRuns: release.source.type,
    name: same && before.name ? before.name : entry.slug,
    description: same ? before.description : entry.description,
    answers: release.arguments.map((asked) => ({
      asked,
      value: before.answers.find((row) => row.asked.key === asked.key)?.value ?? asked.default ?? '',
    })),
    env: [
      ...release.variables.map((asked) => ({
        name: asked.name,
        value: answered(before.env, asked.name) ?? asked.default ?? '',
        secret: asked.secret,
        asked,
      })),
      ...own.env.filter((row) => !release.variables.some(({ name }) => name === row.name)),
    ],
    headers: [
      ...release.headers.map((asked) => ({
        name: asked.name,
        value: answered(before.headers, asked.name) ?? asked.default ?? '',
        asked,
      })),
      ...own.headers.filter((row) => !release.headers.some(({ name }) => name === row.name)),
    ],
    memoryMb: String(limits.memoryMb ?? EMPTY_DEPLOY.memoryMb),
    cpus: String(limits.cpus ?? EMPTY_DEPLOY.cpus),
    pids: String(limits.pids ?? EMPTY_DEPLOY.pids),
    data: release.data.map(({ mountPath }) => mountPath).join('\n'),
    transport: httpValues(release).transport,
    userCredentials:
      same && before.catalogVersion === release.version
        ? before.userCredentials
        : userCredentialRows(release.userCredentials),
  }
}

/** The same values without what a catalog entry asked for: for a source that is none. */
export function withoutAsked(values: DeployValues): DeployValues {
  return {
    ...values,
    catalogSlug: '',
    catalogVersion: '',
    answers: [],
    env: values.env.filter((row) => !row.asked),
    headers: values.headers.filter((row) => !row.asked),
  }
}

/** Names of what has to be given before a release can be deployed: required, and without a default. */
export function requiredOf(release: CatalogRelease): string[] {
  const asked = [
    ...release.arguments.map(({ key, ...rest }) => ({ name: key, ...rest })),
    ...release.variables,
    ...release.headers,
  ]
  return asked
    .filter((one) => one.required && !one.default)
    .map(({ name, title }: { name: string; title?: string | undefined }) => title ?? name)
}
