import type { Role } from '#contracts/users.ts'

export interface ShellUser {
  email: string
  name: string | null
  role: Role
}
