import type { NextAuthOptions } from 'next-auth'
import CredentialsProvider from 'next-auth/providers/credentials'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import { derivedSecret } from '#server/secrets/keyring.ts'
import { actorOfSession } from './session.ts'
import { type SignedIn, signIn } from './sign-in.ts'

/** Sessions end after so long without use. */
const SESSION_SECONDS = 7 * 24 * 60 * 60

export function sessionSecret(): string {
  return derivedSecret('next-auth')
}

/** next-auth: credentials and JWT sessions. A failed sign-in answers the error's code, so that the page can say what to do. */
export const authOptions: NextAuthOptions = {
  providers: [
    CredentialsProvider({
      credentials: {
        email: { label: 'E-mail', type: 'email' },
        password: { label: 'Password', type: 'password' },
      },
      async authorize(credentials, request) {
        const forwarded = request.headers?.['x-forwarded-for'] as string | undefined
        try {
          return await signIn(credentials, forwarded?.split(',')[0]?.trim() || 'direct')
        } catch (error) {
          if (error instanceof AppError) throw new Error(error.code)
          logger.error({ err: error }, 'sign-in failed')
          throw new Error('STORE_UNAVAILABLE')
        }
      },
    }),
  ],
  session: { strategy: 'jwt', maxAge: SESSION_SECONDS },
  pages: { signIn: '/sign-in', error: '/sign-in' },
  get secret() {
    return sessionSecret()
  },
  get useSecureCookies() {
    return env.PUBLIC_URL.startsWith('https://')
  },
  callbacks: {
    async jwt({ token, user }) {
      if (user) {
        const signedIn = user as SignedIn
        return { ...token, sub: signedIn.id, role: signedIn.role, sessionVersion: signedIn.sessionVersion }
      }
      return token
    },
    async session({ session, token }) {
      const actor = await actorOfSession(String(token.sub), Number(token.sessionVersion))
      // An ended session shows nobody; pages then lead to the sign-in.
      if (!actor) return { expires: new Date(0).toISOString() }
      return {
        ...session,
        user: {
          id: actor.userId,
          email: actor.email,
          name: token.name ?? null,
          role: actor.kind === 'admin' ? 'ADMIN' : 'USER',
        },
      }
    },
  },
}
