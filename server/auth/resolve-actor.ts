import { getToken } from 'next-auth/jwt'
import { type Actor, NOBODY } from '#server/context.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { sessionSecret } from './auth-options.ts'
import { actorOfApiKey, actorOfSession } from './session.ts'

/**
 * Who sent a request: by `Authorization: Bearer <API key>`, else by the session cookie, else nobody. Throws AppError UNAUTHENTICATED
 * for a key that is no good, and FORBIDDEN for a cookie that came with another site's page.
 */
export async function resolveActor(request: Request): Promise<Actor> {
  const authorization = request.headers.get('authorization')
  if (authorization !== null) {
    const key = /^Bearer (\S+)$/i.exec(authorization)?.[1]
    const actor = key ? await actorOfApiKey(key) : null
    if (!actor)
      throw new AppError('UNAUTHENTICATED', 'bad API key', {
        detail: 'The API key is unknown, revoked or expired.',
      })
    return actor
  }
  const cookies = Object.fromEntries(
    (request.headers.get('cookie') ?? '').split(/;\s*/).flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 ? [[pair.slice(0, at), decode(pair.slice(at + 1))] as const] : []
    }),
  )
  const token = await getToken({
    req: { headers: Object.fromEntries(request.headers), cookies } as unknown as Parameters<
      typeof getToken
    >[0]['req'],
    secret: sessionSecret(),
    secureCookie: env.PUBLIC_URL.startsWith('https://'),
  })
  if (!token?.sub) return NOBODY
  requireSameSite(request)
  return (await actorOfSession(token.sub, Number(token.sessionVersion))) ?? NOBODY
}

/** Browsers send Origin with every request that changes something; another site's page has no business here. */
function requireSameSite(request: Request): void {
  const origin = request.headers.get('origin')
  if (request.method === 'GET' || origin === null) return
  // A proxy in front may have changed the Host header to its own.
  const hosts = [request.headers.get('host'), new URL(env.PUBLIC_URL).host]
  if (!URL.canParse(origin) || !hosts.includes(new URL(origin).host))
    throw new AppError('FORBIDDEN', `foreign origin ${origin}`)
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
