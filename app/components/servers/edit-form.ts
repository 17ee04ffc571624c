import { type ServerDetail, UpdateServer, type UpdateServerInput } from '#contracts/servers.ts'
import { type DeployValues, resolverOf, toDeployInput } from './deploy-form.ts'
import { TRANSPORT_LABELS } from './source-text.ts'

type Edited = Pick<ServerDetail, 'id' | 'name' | 'description' | 'visibility' | 'revision'>

/** A change as it is shown before it is confirmed; null: there is nothing on this side. Never a secret's value. */
export interface Change {
  label: string
  before: string | null
  after: string | null
  /** Whether the server has to be deployed anew for it. */
  deploys: boolean
}

/** What `servers.update` takes of the dialog's values. A secret whose box is empty is kept. */
export function toUpdateInput(
  server: Pick<Edited, 'id' | 'revision'>,
  values: DeployValues,
): UpdateServerInput {
  const {
    name: _name,
    toolboxId: _toolbox,
    grants: _grants,
    env = {},
    description,
    ...rest
  } = toDeployInput(values)
  const kept = values.env.filter((row) => row.kept && row.kept === row.name.trim() && !row.value)
  return {
    ...rest,
    id: server.id,
    baseRevision: server.revision?.number,
    description: description ?? null,
    env: { ...env, ...Object.fromEntries(kept.map(({ name }) => [name.trim(), { keep: true as const }])) },
  }
}

/** Checks the dialog with the very schema that the server uses. */
export function editResolver(server: Pick<Edited, 'id' | 'revision'>) {
  return resolverOf((values) => {
    const issues = UpdateServer.safeParse(toUpdateInput(server, values)).error?.issues ?? []
    const renamed = values.env.flatMap((row, index) =>
      row.kept && row.kept !== row.name.trim() && !row.value
        ? [{ field: `env.${index}.value`, message: 'Give the value again: a secret cannot be renamed.' }]
        : [],
    )
    return { issues, fields: renamed }
  })
}

const LABELS = {
  package: 'Package',
  version: 'Version',
  bin: 'Executable',
  args: 'Arguments',
  httpPath: 'Endpoint path',
  httpPort: 'Port',
  memoryMb: 'Memory (MiB)',
  cpus: 'CPU cores',
  pids: 'Processes',
} as const satisfies Partial<Record<keyof DeployValues, string>>
const HTTP_ONLY = new Set(['httpPath', 'httpPort'])
const VISIBILITIES = { everyone: 'Everyone', restricted: 'Only users it is granted to' } as const

/** What differs between the values that the dialog began with and those that it has now. */
export function changesBetween(before: DeployValues, after: DeployValues): Change[] {
  const changes: Change[] = []
  const add = (label: string, from: string, to: string, deploys = true) => {
    if (from !== to) changes.push({ label, before: from || null, after: to || null, deploys })
  }
  add('Transport', TRANSPORT_LABELS[before.transport], TRANSPORT_LABELS[after.transport])
  for (const [field, label] of Object.entries(LABELS) as [keyof typeof LABELS, string][]) {
    const of = (values: DeployValues) =>
      HTTP_ONLY.has(field) && values.transport === 'stdio'
        ? ''
        : field === 'httpPort'
          ? `${values.httpPortBy} ${values.httpPort.trim()}`
          : values[field].trim()
    add(label, of(before), of(after))
  }
  changes.push(...variableChanges(before, after))
  add('Description', before.description.trim(), after.description.trim(), false)
  add('Who may use it', VISIBILITIES[before.visibility], VISIBILITIES[after.visibility], false)
  return changes
}

function variableChanges(before: DeployValues, after: DeployValues): Change[] {
  const rows = (values: DeployValues) =>
    new Map(values.env.flatMap((row) => (row.name.trim() ? [[row.name.trim(), row] as const] : [])))
  const [from, to] = [rows(before), rows(after)]
  const shown = (row: DeployValues['env'][number] | undefined, replaced: boolean) =>
    row === undefined ? null : row.secret ? (replaced ? 'a new secret' : 'a secret') : row.value
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((name) => {
    const [old, next] = [from.get(name), to.get(name)]
    const same = old && next && old.value === next.value && old.secret === next.secret
    if (same) return []
    return { label: name, before: shown(old, false), after: shown(next, old !== undefined), deploys: true }
  })
}
