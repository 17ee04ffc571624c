import type { CatalogRelease } from '#contracts/catalog.ts'
import { RESERVED_ENV } from '#contracts/reserved-names.ts'
import { askingProblems } from '#contracts/user-credentials.ts'
import { AppError } from '#server/errors.ts'

/**
 * Refuses a release that could never be deployed, or whose form would not work: the same name asked for twice, a default that is
 * none of the choices, an endpoint without a listener. Throws AppError BAD_REQUEST with fields below `release.`.
 */
export function checkRelease(release: CatalogRelease): void {
  const fields: Record<string, string[]> = {}
  const wrong = (field: string, text: string) => {
    fields[`release.${field}`] = [...(fields[`release.${field}`] ?? []), text]
  }
  const { source, transport, variables, headers } = release
  checkAsked(release.arguments, ({ key }) => key, 'arguments', 'key', wrong)
  checkAsked(variables, ({ name }) => name, 'variables', 'name', wrong)
  checkAsked(headers, ({ name }) => name.toLowerCase(), 'headers', 'name', wrong)
  for (const [at, { name }] of variables.entries())
    if (RESERVED_ENV.has(name.toUpperCase()))
      wrong(`variables.${at}.name`, `${name} is set by the toolbox and cannot be asked for.`)
  if (source.type === 'remote') {
    if (transport === 'stdio') wrong('transport', 'A remote server is reached over streamable-http or sse.')
    if (release.http) wrong('http', 'A remote server has its endpoint in its URL.')
    if (release.arguments.length > 0) wrong('arguments', 'A remote server takes no arguments.')
    if (variables.length > 0) wrong('variables', 'A remote server takes headers, no variables.')
    if (Object.keys(source.headers ?? {}).length > 0)
      wrong('source.headers', 'Ask for headers instead: values of headers are not kept in the catalog.')
  } else {
    if (headers.length > 0) wrong('headers', 'Only a remote server is sent headers.')
    if (transport === 'sse') wrong('transport', 'Packages and images are run with stdio or streamable-http.')
    if (transport === 'stdio' && release.http) wrong('http', 'Only a streamable-http server has an endpoint.')
  }
  const problems = askingProblems({
    transport,
    userCredentials: release.userCredentials,
    env: variables.map(({ name }) => name),
    headers: headers.map(({ name }) => name),
    data: release.data,
  })
  for (const [field, texts] of Object.entries(problems)) for (const text of texts) wrong(field, text)
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'release is wrong', { fields })
}

function checkAsked<Asked extends { default?: string | undefined; choices?: string[] | undefined }>(
  list: readonly Asked[],
  nameOf: (asked: Asked) => string,
  section: string,
  key: string,
  wrong: (field: string, text: string) => void,
): void {
  const seen = new Set<string>()
  for (const [at, asked] of list.entries()) {
    if (seen.has(nameOf(asked))) wrong(`${section}.${at}.${key}`, 'This is asked for already.')
    seen.add(nameOf(asked))
    if (asked.default !== undefined && asked.choices && !asked.choices.includes(asked.default))
      wrong(`${section}.${at}.default`, 'The default has to be one of the choices.')
  }
}
