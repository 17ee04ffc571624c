import { z } from 'zod'
import { Email, Id, Password, Text, Timestamp } from './names.ts'

export const Role = z.enum(['ADMIN', 'USER'])
export type Role = z.infer<typeof Role>

export const User = z.object({
  id: Id,
  email: z.string(),
  name: z.string().nullable(),
  role: Role,
  disabled: z.boolean(),
  createdAt: Timestamp,
})
export type User = z.infer<typeof User>

export const InviteUser = z.strictObject({
  email: Email,
  name: Text.trim().max(100).optional(),
  role: Role.default('USER'),
  /** Left out: one is made and shown this once. */
  password: Password.optional(),
})
export const InvitedUser = User.extend({ password: z.string().nullable() })
export const UpdateUser = z.strictObject({
  id: Id,
  name: Text.trim().max(100).optional(),
  role: Role.optional(),
  disabled: z.boolean().optional(),
  password: Password.optional(),
})
export const ChangePassword = z.strictObject({ current: z.string().max(256), next: Password })

export const ApiKey = z.object({
  id: Id,
  name: z.string(),
  prefix: z.string(),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  expiresAt: Timestamp.nullable(),
  revokedAt: Timestamp.nullable(),
})
export const CreateApiKey = z.strictObject({
  name: Text.trim().min(1, 'Give the key a name.').max(60, 'Use at most 60 characters.'),
  /** Days until it expires; null: never. */
  expiresInDays: z.int().min(1).max(3650).nullable().default(90),
})
/** `key` is shown this once. */
export const ApiKeyWithSecret = ApiKey.extend({ key: z.string() })

export const AuditEntry = z.object({
  id: z.string(),
  at: Timestamp,
  actor: z.string(),
  action: z.string(),
  subjectType: z.string(),
  subjectId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
})
