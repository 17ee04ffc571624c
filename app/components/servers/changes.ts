import { linesOf } from '#app/components/servers/deploy-input.ts'
import { askedKind, type DeployValues } from '#app/components/servers/deploy-values.ts'
import { SHARING_LABELS, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { isFilled } from '#app/components/servers/user-credential-values.ts'

/** A change as it is shown before it is confirmed; null: there is nothing on this side. Never a secret's value. */
export interface Change {
  label: string
  before: string | null
  after: string | null
  /** Whether the server has to be deployed anew for it. */
  deploys: boolean
}

export const SOURCE_LABELS = {
  catalog: 'Catalog entry',
  npm: 'npm package',
  image: 'Container image',
  remote: 'Remote server',
  config: 'Pasted configuration',
} as const

export const VISIBILITIES = { everyone: 'Everyone', restricted: 'Only users it is granted to' } as const

const isHttp = (values: DeployValues): boolean =>
  values.transport !== 'stdio' && values.sourceType !== 'remote' && values.sourceType !== 'catalog'

const ifSource =
  (...types: DeployValues['sourceType'][]) =>
  (text: string, values: DeployValues): string =>
    types.includes(values.sourceType) ? text.trim() : ''
const ofNpm = ifSource('npm')
const ofImage = ifSource('image')
const ofRemote = ifSource('remote')
const ofCatalog = ifSource('catalog')
const ofProcess = ifSource('npm', 'image')

/** As it is deployed: variables of users leave no choice. */
export const sharingOf = (values: DeployValues): DeployValues['sharing'] =>
  values.userCredentials.some(isFilled) ? 'isolated' : values.sharing

/** Every line that may differ, in the order in which it is shown; '' where a side has none of it. */
const LINES: [label: string, text: (values: DeployValues) => string][] = [
  ['Source', (values) => SOURCE_LABELS[values.sourceType]],
  ['Catalog entry', (values) => ofCatalog(values.catalogSlug, values)],
  ['Catalog version', (values) => ofCatalog(values.catalogVersion, values)],
  ['Package', (values) => ofNpm(values.package, values)],
  ['Version', (values) => ofNpm(values.version, values)],
  ['Executable', (values) => ofNpm(values.bin, values)],
  ['Image', (values) => ofImage(values.image, values)],
  ['URL', (values) => ofRemote(values.url, values)],
  ['Arguments', (values) => ofProcess(linesOf(values.args).join('\n'), values)],
  ['Transport', (values) => TRANSPORT_LABELS[values.transport]],
  ['Endpoint path', (values) => (isHttp(values) ? values.httpPath.trim() : '')],
  ['Port', (values) => (isHttp(values) ? `${values.httpPortBy} ${values.httpPort.trim()}` : '')],
  ['Memory (MiB)', (values) => values.memoryMb.trim()],
  ['CPU cores', (values) => values.cpus.trim()],
  ['Processes', (values) => values.pids.trim()],
  ['Data kept in', (values) => linesOf(values.data).join('\n')],
  ['Drain (seconds)', (values) => values.drainSeconds.trim()],
  [
    'Who shares its process',
    (values) => (askedKind(values) === 'env' ? SHARING_LABELS[sharingOf(values)] : ''),
  ],
]

/** What differs between two states of a server's configuration: before an edit and after it, or one revision and the next. */
export function changesBetween(
  before: DeployValues,
  after: DeployValues,
  /** Names of toolboxes by id. */
  toolboxes: ReadonlyMap<string, string> = new Map(),
): Change[] {
  const changes: Change[] = []
  const add = (label: string, from: string, to: string, deploys = true) => {
    if (from !== to) changes.push({ label, before: from || null, after: to || null, deploys })
  }
  for (const [label, text] of LINES) add(label, text(before), text(after))
  const toolbox = ({ toolboxId }: DeployValues) => toolboxes.get(toolboxId) ?? toolboxId
  add('Toolbox', toolbox(before), toolbox(after))
  changes.push(...rowChanges(before.headers, after.headers, (name) => `Header ${name}`))
  changes.push(...rowChanges(before.env, after.env))
  changes.push(...askedChanges(before, after))
  add('Description', before.description.trim(), after.description.trim(), false)
  add('Who may use it', VISIBILITIES[before.visibility], VISIBILITIES[after.visibility], false)
  return changes
}

function askedChanges(before: DeployValues, after: DeployValues): Change[] {
  const lines = (values: DeployValues) =>
    new Map(
      values.userCredentials.filter(isFilled).map(({ name, description, required }) => {
        const what = `${askedKind(values) === 'env' ? 'variable' : 'header'}, ${required ? 'required' : 'optional'}`
        return [name.trim(), description.trim() ? `${what}: ${description.trim()}` : what]
      }),
    )
  const [from, to] = [lines(before), lines(after)]
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((name) => {
    const [old = null, next = null] = [from.get(name), to.get(name)]
    return old === next
      ? []
      : [{ label: `Each user brings ${name}`, before: old, after: next, deploys: true }]
  })
}

interface Row {
  name: string
  value: string
  /** Left out: always one. */
  secret?: boolean
}

function rowChanges(before: Row[], after: Row[], label = (name: string) => name): Change[] {
  const rows = (all: Row[]) =>
    new Map(all.flatMap((row) => (row.name.trim() ? [[row.name.trim(), row] as const] : [])))
  const [from, to] = [rows(before), rows(after)]
  const shown = (row: Row | undefined, replaced: boolean) =>
    row === undefined ? null : (row.secret ?? true) ? (replaced ? 'a new secret' : 'a secret') : row.value
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((name) => {
    const [old, next] = [from.get(name), to.get(name)]
    const same = old && next && old.value === next.value && old.secret === next.secret
    if (same) return []
    return {
      label: label(name),
      before: shown(old, false),
      after: shown(next, old !== undefined),
      deploys: true,
    }
  })
}
