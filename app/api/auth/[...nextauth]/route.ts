import NextAuth from 'next-auth'
import { authOptions } from '#server/auth/auth-options.ts'

export const dynamic = 'force-dynamic'

// Made at the first request: a build has no secret to make it with.
function handle(...args: Parameters<ReturnType<typeof NextAuth>>): ReturnType<ReturnType<typeof NextAuth>> {
  return NextAuth(authOptions)(...args)
}

export { handle as GET, handle as POST }
