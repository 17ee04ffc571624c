import { AUTOMATIC, askedKind, type DeployValues, runsOf } from '#app/components/servers/deploy-values.ts'
import { isFilled, toUserCredentials } from '#app/components/servers/user-credential-values.ts'
import type { DeployServerInput } from '#contracts/servers.ts'

const text = (value: string): string | undefined => value.trim() || undefined

/** An empty box is left to the contract's default; what is no number reaches the contract as NaN and is refused there. */
const number = (value: string): number | undefined => (value.trim() ? Number(value) : undefined)

export const linesOf = (value: string): string[] =>
  value
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

function sourceOf(values: DeployValues): DeployServerInput['source'] {
  switch (values.sourceType) {
    case 'config':
    case 'npm':
      return {
        type: 'npm',
        package: values.package.trim(),
        version: text(values.version),
        bin: text(values.bin),
        args: linesOf(values.args),
      }
    case 'image':
      return { type: 'image', image: values.image.trim(), args: linesOf(values.args) }
    case 'remote':
      return { type: 'remote', url: values.url.trim(), headers: headersOf(values) }
    case 'catalog':
      return {
        type: 'catalog',
        slug: values.catalogSlug,
        version: text(values.catalogVersion),
        headers: runsOf(values) === 'remote' ? headersOf(values) : undefined,
        arguments: Object.fromEntries(
          values.answers.flatMap(({ value, asked }) => {
            const answer = asked.repeated ? linesOf(value) : (text(value) ?? [])
            return answer.length > 0 ? [[asked.key, answer]] : []
          }),
        ),
      }
  }
}

function headersOf({ headers }: DeployValues): Record<string, string> {
  return Object.fromEntries(
    headers
      .filter((row) => row.value || (row.name.trim() && !row.kept && !row.asked))
      .map((row) => [row.name.trim(), row.value]),
  )
}

function httpOf(values: DeployValues): DeployServerInput['http'] {
  // A remote server's address says it all, and a catalog entry brings its own.
  if (values.transport === 'stdio' || values.sourceType === 'remote' || values.sourceType === 'catalog')
    return undefined
  const port = values.httpPort.trim()
  return {
    path: text(values.httpPath),
    port:
      values.httpPortBy === 'env'
        ? { env: port }
        : values.httpPortBy === 'arg'
          ? { arg: port }
          : { fixed: Number(port) },
  }
}

/** What runs elsewhere has no variables of ours. */
export const hasEnv = (values: Pick<DeployValues, 'sourceType' | 'catalogRuns'>): boolean =>
  runsOf(values) !== 'remote'

/** What `servers.deploy` takes of the form's values. */
export function toDeployInput(values: DeployValues): DeployServerInput {
  const here = hasEnv(values)
  const catalog = values.sourceType === 'catalog'
  const data = here ? linesOf(values.data) : []
  const kind = askedKind(values)
  const userCredentials = toUserCredentials(values.userCredentials.filter(isFilled), kind)
  return {
    name: values.name.trim(),
    description: text(values.description),
    toolboxId: values.toolboxId === AUTOMATIC ? undefined : values.toolboxId,
    source: sourceOf(values),
    // A catalog entry has its own.
    transport: catalog ? undefined : here ? values.transport : 'streamable-http',
    http: httpOf(values),
    env: here
      ? Object.fromEntries(
          values.env
            // An optional variable of the catalog that is left empty is not set.
            .filter((row) => (row.asked ? row.value : row.name.trim() || row.value))
            .map((row) => [row.name.trim(), { value: row.value, secret: row.secret }]),
        )
      : undefined,
    limits: here
      ? { memoryMb: number(values.memoryMb), cpus: number(values.cpus), pids: number(values.pids) }
      : undefined,
    // What the entry asks of users and was taken out has to be said to be none.
    userCredentials: userCredentials.length > 0 || catalog ? userCredentials : undefined,
    sharing: kind === 'env' ? (userCredentials.length > 0 ? 'isolated' : values.sharing) : undefined,
    // What the entry declares and was taken out has to be said to be none.
    data: data.length > 0 || (catalog && here) ? data.map((mountPath) => ({ mountPath })) : undefined,
    drainSeconds: number(values.drainSeconds),
    visibility: values.visibility,
    grants: values.visibility === 'restricted' && values.grants.length > 0 ? values.grants : undefined,
  }
}
