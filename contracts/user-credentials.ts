import { z } from 'zod'
import { EnvName, HeaderName, Text } from './names.ts'

/** What a server asks of each of its users: a variable of their own process, or a header that their calls are sent with. */
export const UserCredential = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('env'),
    name: EnvName,
    description: Text.max(500).optional(),
    required: z.boolean().default(true),
  }),
  z.strictObject({
    kind: z.literal('header'),
    name: HeaderName,
    description: Text.max(500).optional(),
    required: z.boolean().default(true),
  }),
])
export type UserCredential = z.infer<typeof UserCredential>
/** At most this many, and each name once, whatever its case. */
export const UserCredentials = z
  .array(UserCredential)
  .max(16, 'At most 16.')
  .refine(
    (all) => new Set(all.map(({ kind, name }) => `${kind} ${name.toLowerCase()}`)).size === all.length,
    'Each name may stand here once.',
  )
