import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import type { DeployValues, EditedServer, EnvRow, HeaderRow } from '#app/components/servers/deploy-values.ts'
import { resolverOf } from '#app/components/servers/form-check.ts'
import { UpdateServer, type UpdateServerInput } from '#contracts/servers.ts'

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** What `servers.update` takes: the parts that differ alone. A secret whose box is empty is kept. */
export function toUpdateInput(
  server: Pick<EditedServer, 'id' | 'revision'>,
  before: DeployValues,
  after: DeployValues,
): UpdateServerInput {
  const [from, to] = [toDeployInput(before), toDeployInput(after)]
  const input: UpdateServerInput = { id: server.id, baseRevision: server.revision?.number }
  if (from.description !== to.description) input.description = to.description ?? null
  if (from.visibility !== to.visibility) input.visibility = to.visibility
  if (!same(from.source, to.source) || !same(before.headers, after.headers))
    input.source = sourceOf(after, to.source)
  if (from.transport !== to.transport) input.transport = to.transport
  if (!same(from.http, to.http) && to.http) input.http = to.http
  if (!same(from.limits, to.limits)) input.limits = to.limits
  if (!same(from.data, to.data)) input.data = to.data ?? []
  if (!same(from.userCredentials, to.userCredentials)) input.userCredentials = to.userCredentials ?? []
  if (from.sharing !== to.sharing && to.sharing) input.sharing = to.sharing
  if (from.toolboxId !== to.toolboxId) input.toolboxId = to.toolboxId
  if (from.drainSeconds !== to.drainSeconds) input.drainSeconds = to.drainSeconds
  const kept = after.env.filter((row) => row.kept && row.kept === row.name.trim() && !row.value)
  const env = {
    ...to.env,
    ...Object.fromEntries(kept.map(({ name }) => [name.trim(), { keep: true as const }])),
  }
  if (!same(before.env, after.env)) input.env = env
  return input
}

/** Headers whose boxes are empty are kept. */
function sourceOf(values: DeployValues, source: UpdateServerInput['source']): UpdateServerInput['source'] {
  if (source?.type !== 'remote') return source
  const kept = values.headers.filter((row) => row.kept && row.kept === row.name.trim() && !row.value)
  const keep = Object.fromEntries(kept.map(({ name }) => [name.trim(), { keep: true as const }]))
  return { ...source, headers: { ...source.headers, ...keep } }
}

/** Checks the page with the very schema that the server uses. */
export function editResolver(server: Pick<EditedServer, 'id' | 'revision'>, before: () => DeployValues) {
  return resolverOf((values) => {
    const issues = UpdateServer.safeParse(toUpdateInput(server, before(), values)).error?.issues ?? []
    const renamed = (['env', 'headers'] as const).flatMap((list) =>
      values[list].flatMap((row, index) =>
        row.kept && row.kept !== row.name.trim() && !row.value
          ? [
              {
                field: `${list}.${index}.value` as const,
                message: 'Give the value again: a secret cannot be renamed.',
              },
            ]
          : [],
      ),
    )
    return { issues, fields: renamed }
  })
}

/** Puts what was typed on top of what somebody else has saved meanwhile; where both changed the same, what was typed wins. */
export function rebase(before: DeployValues, mine: DeployValues, theirs: DeployValues): DeployValues {
  const values = { ...theirs } as Record<keyof DeployValues, unknown>
  for (const key of Object.keys(before) as (keyof DeployValues)[])
    if (!same(before[key], mine[key])) values[key] = mine[key]
  return {
    ...(values as unknown as DeployValues),
    env: rebaseRows(before.env, mine.env, theirs.env),
    headers: rebaseRows(before.headers, mine.headers, theirs.headers),
  }
}

function rebaseRows<Row extends EnvRow | HeaderRow>(before: Row[], mine: Row[], theirs: Row[]): Row[] {
  const find = (rows: Row[], name: string) => rows.find((row) => row.name.trim() === name)
  const names = [...new Set([...theirs, ...mine].map((row) => row.name.trim()))]
  return names.flatMap((name) => {
    const [was, my, their] = [find(before, name), find(mine, name), find(theirs, name)]
    const chosen = same(was, my) ? their : my
    if (!chosen) return []
    // What can be kept is what the server has now.
    const { kept: _kept, ...row } = chosen
    const secret = 'secret' in chosen ? chosen.secret : true
    return [(their?.kept && secret ? { ...row, kept: their.kept } : row) as Row]
  })
}
