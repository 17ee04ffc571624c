import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { userCredentialRows } from '#app/components/servers/user-credential-values.ts'
import { releaseSource } from '#app/components/servers/wizard/imported-values.ts'
import type { CatalogRelease } from '#contracts/catalog.ts'
import type { CatalogOrigin, RevisionView } from '#contracts/servers.ts'

/**
 * What a server runs with once it is updated to a release: the release's own source and way of speaking, with the answers,
 * variables and limits that the server has, and the defaults of what is new.
 */
export function updatedValues(
  before: DeployValues,
  release: CatalogRelease,
  origin: CatalogOrigin,
): DeployValues {
  const known = new Set(before.env.map(({ name }) => name))
  const asked = new Set(release.userCredentials.map(({ name }) => name.toLowerCase()))
  return {
    ...before,
    ...releaseSource(release, origin.arguments),
    env: [
      ...before.env,
      ...release.variables.flatMap(({ name, secret, default: initial }) =>
        known.has(name) || initial === undefined ? [] : [{ name, value: initial, secret }],
      ),
    ],
    userCredentials: [
      ...userCredentialRows(release.userCredentials),
      ...before.userCredentials.filter(({ name }) => !asked.has(name.trim().toLowerCase())),
    ],
    data: release.data.length > 0 ? release.data.map(({ mountPath }) => mountPath).join('\n') : before.data,
  }
}

/** Names of what a release requires and the server has no answer to. */
export function unansweredOf(
  release: CatalogRelease,
  revision: Pick<RevisionView, 'env' | 'headerNames'>,
  origin: CatalogOrigin,
): string[] {
  const env = new Set(revision.env.map(({ name }) => name))
  const headers = new Set(revision.headerNames.map((name) => name.toLowerCase()))
  const open = (asked: { required: boolean; default?: string | undefined }) =>
    asked.required && asked.default === undefined
  return [
    ...release.variables.filter((asked) => open(asked) && !env.has(asked.name)).map(({ name }) => name),
    ...release.headers
      .filter((asked) => open(asked) && !headers.has(asked.name.toLowerCase()))
      .map(({ name }) => name),
    ...release.arguments
      .filter((asked) => open(asked) && origin.arguments[asked.key] === undefined)
      .map(({ key, title }) => title ?? key),
  ]
}
