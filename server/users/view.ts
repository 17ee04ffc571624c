import type { z } from 'zod'
import type { ApiKey, User } from '#contracts/users.ts'

interface UserRow {
  id: string
  email: string
  name: string | null
  role: 'ADMIN' | 'USER'
  disabledAt: Date | null
  createdAt: Date
}

export const USER_SELECT = {
  id: true,
  email: true,
  name: true,
  role: true,
  disabledAt: true,
  createdAt: true,
} as const

export function userView({ disabledAt, createdAt, ...row }: UserRow): User {
  return { ...row, disabled: disabledAt !== null, createdAt: createdAt.toISOString() }
}

interface ApiKeyRow {
  id: string
  name: string
  prefix: string
  createdAt: Date
  lastUsedAt: Date | null
  expiresAt: Date | null
  revokedAt: Date | null
}

export const API_KEY_SELECT = {
  id: true,
  name: true,
  prefix: true,
  createdAt: true,
  lastUsedAt: true,
  expiresAt: true,
  revokedAt: true,
} as const

export function apiKeyView(row: ApiKeyRow): z.infer<typeof ApiKey> {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  }
}
