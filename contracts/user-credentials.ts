import { z } from 'zod'
import type { DataMount, Sharing, Transport } from './instances.ts'
import { EnvName, HeaderName, Text } from './names.ts'
import { isReservedHeader, RESERVED_ENV } from './reserved-names.ts'

const Asked = {
  /** Tells the user what it is and where to get it. */
  description: Text.max(500, 'Use at most 500 characters.').optional(),
  required: z.boolean().default(true),
}

/** What a server asks of each of its users: a variable of their own process, or a header that their calls are sent with. */
export const UserCredential = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('env'),
    name: EnvName.refine((name) => !RESERVED_ENV.has(name.toUpperCase()), 'The toolbox sets this itself.'),
    ...Asked,
  }),
  z.strictObject({
    kind: z.literal('header'),
    name: HeaderName.refine((name) => !isReservedHeader(name), 'This header is set by the protocol.'),
    ...Asked,
  }),
])
export type UserCredential = z.infer<typeof UserCredential>

/** At most this many, and each name once, whatever its case. */
export const UserCredentials = z
  .array(UserCredential)
  .max(16, 'At most 16.')
  .superRefine((all, ctx) => {
    const seen = new Set<string>()
    for (const [at, { name }] of all.entries()) {
      if (seen.has(name.toLowerCase()))
        ctx.addIssue({ code: 'custom', path: [at, 'name'], message: 'This is asked for already.' })
      seen.add(name.toLowerCase())
    }
  })

/** A server as far as it decides what can be asked of its users. */
export interface Asking {
  transport: Transport
  sharing?: Sharing | undefined
  userCredentials?: readonly { kind: UserCredential['kind']; name: string }[] | undefined
  /** Names of what it has itself. */
  env: readonly string[]
  headers: readonly string[]
  data?: readonly DataMount[] | undefined
}

/** Who shares its process: what was chosen, else one for each session where users bring variables, else one for all. */
export function sharingOf({
  sharing,
  userCredentials = [],
}: Pick<Asking, 'sharing' | 'userCredentials'>): Sharing {
  return sharing ?? (userCredentials.some(({ kind }) => kind === 'env') ? 'isolated' : 'shared')
}

/** What cannot be asked of the users of such a server, in words by field; empty when all can. */
export function askingProblems(server: Asking): Record<string, string[]> {
  const { transport, sharing, userCredentials = [], data = [] } = server
  const fields: Record<string, string[]> = {}
  const own = {
    env: new Set(server.env.map((name) => name.toLowerCase())),
    header: new Set(server.headers.map((name) => name.toLowerCase())),
  }
  for (const [at, { kind, name }] of userCredentials.entries()) {
    const field = `userCredentials.${at}`
    if (kind === 'env' && transport !== 'stdio')
      fields[`${field}.kind`] = [
        'A server that is called over HTTP serves all from one process: ask for a header.',
      ]
    else if (kind === 'header' && transport === 'stdio')
      fields[`${field}.kind`] = ['A server that is called over stdio gets no headers: ask for a variable.']
    else if (own[kind].has(name.toLowerCase()))
      fields[`${field}.name`] = [`The server is given its own ${name}. Keep one of the two.`]
  }
  const isolated = sharingOf(server) === 'isolated'
  if (sharing === 'isolated' && transport !== 'stdio')
    fields.sharing = ['Only a server that is called over stdio can run once for each session.']
  else if (sharing === 'shared' && userCredentials.some(({ kind }) => kind === 'env'))
    fields.sharing = ['A variable of one user needs a process of its own: choose "isolated".']
  else if (isolated && transport === 'stdio' && data.length > 0)
    fields.data = [
      'Processes of several sessions would write the same data: keep none, or share one process.',
    ]
  return fields
}
