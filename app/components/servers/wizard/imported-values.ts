import { type DeployValues, EMPTY_DEPLOY, httpValues } from '#app/components/servers/deploy-values.ts'
import { userCredentialRows } from '#app/components/servers/user-credential-values.ts'
import type { CatalogRelease } from '#contracts/catalog.ts'
import type { ImportAnswers, ImportItem } from '#contracts/catalog-transfer.ts'

function sourceValues({ source }: CatalogRelease): Partial<DeployValues> {
  switch (source.type) {
    case 'npm':
      return {
        sourceType: 'npm',
        package: source.package,
        version: source.version ?? '',
        bin: source.bin ?? '',
      }
    case 'image':
      return { sourceType: 'image', image: source.image }
    case 'remote':
      return { sourceType: 'remote', url: source.url }
  }
}

/** The fixed arguments, then those that were asked for and answered. */
function argsOf(release: CatalogRelease, answers: ImportAnswers['arguments']): string[] {
  const fixed = 'args' in release.source ? (release.source.args ?? []) : []
  const given = release.arguments.flatMap(({ key, flag, default: initial }) =>
    [answers[key] ?? initial ?? []].flat().flatMap((value) => (flag === undefined ? [value] : [flag, value])),
  )
  return [...fixed, ...given]
}

/** What a release runs and how that is spoken to, its arguments filled in. */
export function releaseSource(
  release: CatalogRelease,
  answers: ImportAnswers['arguments'],
): Partial<DeployValues> {
  return {
    ...sourceValues(release),
    ...httpValues(release),
    args: argsOf(release, answers).join('\n'),
  }
}

/** The form of a server out of a pasted configuration, with what that said filled in; null for one that cannot be run. */
export function importedValues(before: DeployValues, { entry, answers }: ImportItem): DeployValues | null {
  if (!entry) return null
  const { release } = entry
  const asked = new Set([...release.variables, ...release.headers].map(({ name }) => name))
  return {
    ...before,
    ...releaseSource(release, answers.arguments),
    configText: '',
    catalogSlug: '',
    catalogVersion: '',
    answers: [],
    name: entry.slug,
    description: entry.description,
    env: [
      ...release.variables.map((variable) => ({
        name: variable.name,
        value: answers.env[variable.name]?.value ?? variable.default ?? '',
        secret: variable.secret || (answers.env[variable.name]?.secret ?? false),
        asked: variable,
      })),
      ...Object.entries(answers.env).flatMap(([name, given]) =>
        asked.has(name) ? [] : [{ name, ...given }],
      ),
    ],
    headers: [
      ...release.headers.map((header) => ({
        name: header.name,
        value: answers.headers[header.name] ?? header.default ?? '',
        asked: header,
      })),
      ...Object.entries(answers.headers).flatMap(([name, value]) =>
        asked.has(name) ? [] : [{ name, value }],
      ),
    ],
    userCredentials: userCredentialRows(release.userCredentials),
    memoryMb: String(release.limits.memoryMb ?? EMPTY_DEPLOY.memoryMb),
    cpus: String(release.limits.cpus ?? EMPTY_DEPLOY.cpus),
    pids: String(release.limits.pids ?? EMPTY_DEPLOY.pids),
    data: release.data.map(({ mountPath }) => mountPath).join('\n'),
  }
}
