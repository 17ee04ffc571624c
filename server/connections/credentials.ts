import type { CredentialState } from '#contracts/connection-settings.ts'
import { isReservedHeader } from '#contracts/reserved-names.ts'
import { type UserCredential, UserCredentials } from '#contracts/user-credentials.ts'
import { carryUser, type UserGiven } from '#mcp/carry-user.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { type Place, seal } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'

type Kind = UserCredential['kind']
/** What a user gives, by name; null takes one away. `headers` are those besides what the server asks for. */
export interface GivenSecrets {
  credentials?: Record<string, string | null> | undefined
  headers?: Record<string, string | null> | undefined
}
interface Change {
  kind: Kind
  name: string
  value: string | null
}
/** What `credentialChanges` needs to know of a server. */
export interface Asking {
  transport: string
  userCredentials: unknown
}

export const askedOf = ({ userCredentials }: Pick<Asking, 'userCredentials'>): UserCredential[] =>
  UserCredentials.parse(userCredentials)

/** What is to be written for what was given. Throws AppError BAD_REQUEST that names each field that cannot be. */
export function credentialChanges(server: Asking, given: GivenSecrets): Change[] {
  const asked = askedOf(server)
  const fields: Record<string, string[]> = {}
  const changes: Change[] = []
  for (const [name, value] of Object.entries(given.credentials ?? {})) {
    const one = asked.find((other) => other.name === name)
    if (one === undefined) fields[`credentials.${name}`] = ['The server does not ask for this.']
    else changes.push({ kind: one.kind, name, value })
  }
  for (const [name, value] of Object.entries(given.headers ?? {})) {
    const path = `headers.${name}`
    if (server.transport === 'stdio') fields[path] = ['A server that is called over stdio gets no headers.']
    else if (isReservedHeader(name)) fields[path] = ['This header is set by the protocol.']
    else if (asked.some((other) => other.name.toLowerCase() === name.toLowerCase()))
      fields[path] = ['The server asks for this one: give it under credentials.']
    else changes.push({ kind: 'header', name, value })
  }
  for (const { kind, name, value } of changes)
    if (kind === 'header' && value !== null && !/^[\t\x20-\x7e]*$/.test(value))
      fields[`credentials.${name}`] = ['A header has printable ASCII only.']
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'credentials', { fields })
  return changes
}

/** Throws AppError BAD_REQUEST when a user has given more than can be carried with each call; `names`: those just given. */
export function requireCarriable(given: UserGiven, names: readonly string[]): void {
  try {
    carryUser(given)
  } catch {
    const fields = Object.fromEntries(
      names.map((name) => [
        `credentials.${name}`,
        ['All that you give together is too long: use at most 8 KiB.'],
      ]),
    )
    throw new AppError('BAD_REQUEST', 'credentials too long', { fields })
  }
}

/** Writes them encrypted. To be called in the transaction of the change. */
export async function saveCredentials(
  db: Db,
  connectionId: string,
  changes: readonly Change[],
): Promise<void> {
  const key = masterKey()
  for (const { kind, name, value } of changes) {
    const id = { connectionId_kind_name: { connectionId, kind, name } }
    if (value === null) {
      await db.connectionCredential.deleteMany({ where: { connectionId, kind, name } })
      continue
    }
    const data = {
      ciphertext: Uint8Array.from(seal(key, credentialPlace(connectionId, kind, name), value)),
      keyId: key.id,
    }
    await db.connectionCredential.upsert({
      where: id,
      create: { connectionId, kind, name, ...data },
      update: data,
    })
  }
}

export function credentialPlace(connectionId: string, kind: Kind, name: string): Place {
  return { table: 'connection_credentials', row: `${connectionId}/${kind}/${name}`, column: 'ciphertext' }
}

/** What is asked for, then what was added besides; of each whether it is there. */
export function credentialStates(
  server: Pick<Asking, 'userCredentials'>,
  stored: readonly { kind: Kind; name: string }[],
): CredentialState[] {
  const asked = askedOf(server)
  const isSet = (kind: Kind, name: string) =>
    stored.some((other) => other.kind === kind && other.name === name)
  const added = stored.filter(
    ({ kind, name }) => !asked.some((other) => other.kind === kind && other.name === name),
  )
  return [
    ...asked.map(({ kind, name, description, required }) => ({
      kind,
      name,
      description: description ?? null,
      required,
      declared: true,
      set: isSet(kind, name),
    })),
    ...added.map(({ kind, name }) => ({
      kind,
      name,
      description: null,
      required: false,
      declared: false,
      set: true,
    })),
  ]
}

/** Names of those that are required and not there. */
export function missingOf(states: readonly CredentialState[]): string[] {
  return states.filter(({ required, set }) => required && !set).map(({ name }) => name)
}

export const missingText = (missing: readonly string[]): string => `Missing: ${missing.join(', ')}.`

/** Throws AppError CREDENTIALS_MISSING with the names of those that are required and not there. */
export function requireComplete(states: readonly CredentialState[]): void {
  const missing = missingOf(states)
  if (missing.length > 0)
    throw new AppError('CREDENTIALS_MISSING', missing.join(', '), {
      detail: missingText(missing),
      fields: Object.fromEntries(missing.map((name) => [`credentials.${name}`, ['The server needs this.']])),
    })
}
