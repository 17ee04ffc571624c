import type { ConfigurationChanges } from '#contracts/deployments.ts'
import type { UserCredential } from '#contracts/user-credentials.ts'
import { createRedactor, REDACTED } from '#protocol/redact.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { type LoadedRevision, loadRevision } from './revision.ts'

/** Of a value; what was changed shows in less. */
const MAX_CHARS = 500

/** `plain`: never a secret, whatever its name looks like. */
type Value = { text: string; secret: boolean; plain?: boolean }

/**
 * How the deployment's revision differs from the one that serves, or served last. Values of secrets, and what looks like one, are
 * left out. Null when no other deployment went live, or its revision is not kept any more.
 */
export async function changesSinceLive(
  db: Db,
  deployment: { id: string; serverId: string; revisionId: string },
): Promise<ConfigurationChanges | null> {
  const { serverId } = deployment
  const live = await db.deployment.findFirst({
    where: { serverId, state: 'live', id: { not: deployment.id } },
    orderBy: { finishedAt: 'desc' },
    select: { revision: { select: { number: true } } },
  })
  if (!live) return null
  const { number } = await db.revision.findUniqueOrThrow({
    where: { id: deployment.revisionId },
    select: { number: true },
  })
  try {
    const before = await loadRevision(db, serverId, live.revision.number)
    return compareRevisions(before, await loadRevision(db, serverId, number))
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

export function compareRevisions(
  before: Omit<LoadedRevision, 'id'>,
  after: Omit<LoadedRevision, 'id'>,
): ConfigurationChanges {
  const secrets = [before, after].flatMap(({ env, headers }) => [
    ...Object.values(headers),
    ...Object.values(env).flatMap(({ secret, value }) => (secret ? [value] : [])),
  ])
  const redactor = createRedactor(secrets)
  const [from, to] = [valuesOf(before), valuesOf(after)]
  const names = [...new Set([...from.keys(), ...to.keys()])]
  const changes = names.flatMap((name) => {
    const [old, next] = [from.get(name), to.get(name)]
    if (old?.text === next?.text && old?.secret === next?.secret) return []
    const looksSecret = redactor.value({ [name]: 'x' }) as Record<string, unknown>
    const plain = (old ?? next)?.plain === true
    const secret = old?.secret === true || next?.secret === true || (!plain && looksSecret[name] === REDACTED)
    const shown = (value: Value | undefined) =>
      value === undefined ? null : secret ? REDACTED : redactor.text(value.text).slice(0, MAX_CHARS)
    return [{ name, before: shown(old), after: shown(next), secret }]
  })
  return { against: before.number, changes }
}

/** Everything that shapes a server, by its path. */
function valuesOf({ spec, env, headers }: Omit<LoadedRevision, 'id' | 'number'>): Map<string, Value> {
  const { userCredentials, ...rest } = spec
  return new Map<string, Value>([
    ...leaves('', rest).map(([name, text]) => [name, { text, secret: false }] as const),
    ...userCredentials.map(
      (asked) =>
        [`userCredentials.${asked.name}`, { text: askedText(asked), secret: false, plain: true }] as const,
    ),
    ...Object.entries(env).map(
      ([name, { value, secret }]) => [`env.${name}`, { text: value, secret }] as const,
    ),
    ...Object.entries(headers).map(
      ([name, value]) => [`headers.${name}`, { text: value, secret: true }] as const,
    ),
  ])
}

function askedText({ kind, required, description }: UserCredential): string {
  const what = `${kind === 'env' ? 'variable' : 'header'}, ${required ? 'required' : 'optional'}`
  return description ? `${what}: ${description}` : what
}

function leaves(path: string, value: unknown): [name: string, text: string][] {
  if (value === null || value === undefined) return []
  if (typeof value !== 'object') return [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, item]) => leaves(path === '' ? key : `${path}.${key}`, item))
}
