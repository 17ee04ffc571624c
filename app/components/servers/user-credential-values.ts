import type { UserCredential } from '#contracts/user-credentials.ts'

/** One thing that each user brings, as it is typed; its kind follows from how the server is called. */
export interface UserCredentialRow {
  name: string
  description: string
  required: boolean
}

export const EMPTY_USER_CREDENTIAL: UserCredentialRow = { name: '', description: '', required: true }

/** Rows that hold something; the others are as good as not there. */
export const isFilled = ({ name, description }: UserCredentialRow): boolean =>
  Boolean(name.trim() || description.trim())

/** As the contract takes them. */
export const toUserCredentials = (rows: readonly UserCredentialRow[], kind: UserCredential['kind']) =>
  rows.map(({ name, description, required }) => ({
    kind,
    name: name.trim(),
    ...(description.trim() && { description: description.trim() }),
    required,
  }))

export const userCredentialRows = (asked: readonly UserCredential[]): UserCredentialRow[] =>
  asked.map(({ name, description = '', required }) => ({ name, description, required }))
