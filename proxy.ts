import { type NextFetchEvent, type NextRequest, NextResponse } from 'next/server'
import { type NextRequestWithAuth, withAuth } from 'next-auth/middleware'
import { env } from '#server/env.ts'
import { derivedSecret } from '#server/secrets/keyring.ts'

/** Policy of one page: scripts run by nonce alone. Styles stay open to inline ones, which Radix and Sonner write. */
function contentSecurityPolicy(nonce: string): string {
  const development = process.env.NODE_ENV === 'development'
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    "style-src 'self' 'unsafe-inline'",
    // Pictures of catalog entries are on their publishers' sites.
    "img-src 'self' data: blob: https:",
    "media-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${development ? ' ws:' : ''}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function answerWithPolicy(request: NextRequest): NextResponse {
  const policy = contentSecurityPolicy(crypto.randomUUID().replaceAll('-', ''))
  const headers = new Headers(request.headers)
  headers.set('content-security-policy', policy)
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('content-security-policy', policy)
  return response
}

/** Read at the first request: a build has neither the address nor the key. */
const signedIn = withAuth(answerWithPolicy, {
  pages: { signIn: '/sign-in' },
  get secret() {
    return derivedSecret('next-auth')
  },
  cookies: {
    get sessionToken() {
      const secure = env.PUBLIC_URL.startsWith('https://')
      return { name: `${secure ? '__Secure-' : ''}next-auth.session-token` }
    },
  },
})

/** Sends visitors without a session to the sign-in page, and gives every page its Content-Security-Policy. */
export function proxy(request: NextRequest, event: NextFetchEvent) {
  if (request.nextUrl.pathname === '/sign-in') return answerWithPolicy(request)
  return signedIn(request as NextRequestWithAuth, event)
}

export const config = {
  matcher: ['/((?!api/|_next/|icon.svg|robots.txt|favicon.ico).*)'],
}
