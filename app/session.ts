import { redirect } from 'next/navigation'
import { getServerSession } from 'next-auth'
import type { ShellUser } from '#app/components/shell/shell-user.ts'
import { Role } from '#contracts/users.ts'
import { authOptions } from '#server/auth/auth-options.ts'

/** The user of this request, or null. Rights are checked by every procedure; this only chooses the page. */
export async function currentUser(): Promise<ShellUser | null> {
  const session = await getServerSession(authOptions)
  const user: { email?: string | null; name?: string | null; role?: unknown } | undefined = session?.user
  const role = Role.safeParse(user?.role)
  if (!user?.email || !role.success) return null
  return { email: user.email, name: user.name ?? null, role: role.data }
}

/** The signed-in user, else the sign-in page. */
export async function requireUser(): Promise<ShellUser> {
  return (await currentUser()) ?? redirect('/sign-in')
}

/** The signed-in admin; users are led to their agents. */
export async function requireAdmin(): Promise<ShellUser> {
  const user = await requireUser()
  return user.role === 'ADMIN' ? user : redirect('/agents')
}
