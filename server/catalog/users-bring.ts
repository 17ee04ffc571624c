import type { CatalogRelease } from '#contracts/catalog.ts'
import type { UserCredential } from '#contracts/user-credentials.ts'
import type { ReleaseInput } from './import/draft.ts'

interface Asked {
  name: string
  description?: string | undefined
  required?: boolean | undefined
}

/** What each user could bring instead of whoever deploys it: variables of a process over stdio, headers of a remote server. */
export function bringable({
  transport,
  source,
  variables = [],
  headers = [],
}: ReleaseInput): readonly Asked[] {
  if (source.type === 'remote') return headers
  return transport === 'stdio' ? variables : []
}

/** The release with these asked of its users, and no more of whoever deploys it. */
export function letUsersBring(release: ReleaseInput, names: readonly string[]): ReleaseInput {
  const { variables = [], headers = [], userCredentials = [], ...rest } = release
  const kind = release.transport === 'stdio' ? ('env' as const) : ('header' as const)
  const stays = ({ name }: Asked) => !names.includes(name)
  return {
    ...rest,
    variables: kind === 'env' ? variables.filter(stays) : variables,
    headers: kind === 'header' ? headers.filter(stays) : headers,
    userCredentials: [
      ...userCredentials,
      ...bringable(release)
        .filter((one) => !stays(one))
        .map(({ name, description, required = false }) => ({ kind, name, description, required })),
    ],
  }
}

/** The same release as other programs know it: they have one user, who is asked for everything. */
export function askedAtOnce(release: CatalogRelease): CatalogRelease {
  const asked = (wanted: UserCredential['kind']) =>
    release.userCredentials.flatMap(({ kind, ...one }) => (kind === wanted ? [{ ...one, secret: true }] : []))
  return {
    ...release,
    variables: [...release.variables, ...asked('env')],
    headers: [...release.headers, ...asked('header')],
    userCredentials: [],
  }
}
