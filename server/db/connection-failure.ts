/** What the driver reports, in words a person can act on (Postgres error codes appendix A; Node system errors). */
const REASONS: Record<string, string> = {
  '28P01': 'the password is wrong',
  '28000': 'the user may not sign in',
  '3D000': 'there is no such database',
  '42501': 'the user may not use it',
  '53300': 'it has no connection left',
  '57P03': 'it is starting up or shutting down',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'the connection was cut; is this a Postgres?',
  EHOSTUNREACH: 'the host cannot be reached',
}

/**
 * One line on why a connection to Postgres failed, naming user, host, port and database, never the password:
 * "toolberth_app@127.0.0.1:5432/toolberth: the password is wrong".
 */
export function connectionFailure(url: string, error: unknown): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    return 'not a Postgres URL (postgresql://user:password@host:5432/database)'
  }
  const place = `${parsed.username}@${parsed.host}${parsed.pathname}`
  // A name with two addresses fails with one error for each.
  const cause = error instanceof AggregateError ? error.errors[0] : error
  const { code, message } = cause as { code?: string; message?: string }
  const timedOut = /timeout|timed out/i.test(message ?? '')
  return `${place}: ${REASONS[code ?? ''] ?? (timedOut ? REASONS.ETIMEDOUT : message) ?? 'it cannot be reached'}`
}
