/** What a failed HTTP exchange says about the peer, by the codes that Node and undici give, never by their texts. */
export type NetworkFailure = 'refused' | 'dns' | 'tls' | 'timeout' | 'closed'

const FAILURE_BY_CODE: Readonly<Record<string, NetworkFailure>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EADDRNOTAVAIL: 'refused',
  EHOSTDOWN: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_DESTROYED: 'closed',
  UND_ERR_CLOSED: 'closed',
  // X.509 verification (OpenSSL's X509_V_ERR_* names) that do not carry a common prefix.
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  CERT_REJECTED: 'tls',
  CERT_UNTRUSTED: 'tls',
  CERT_SIGNATURE_FAILURE: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  EPROTO: 'tls',
  // The pinned dispatcher's own: the peer holds another key than the one enrolled.
  PIN_MISMATCH: 'tls',
}

const TLS_PREFIX = /^(?:ERR_TLS_|ERR_SSL_|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)_)/

/** Walks `cause` and the members of an AggregateError, outermost first; bounded, for causes may form a ring. */
export function* causesOf(error: unknown): Generator<Error & { code?: unknown }> {
  const queue: unknown[] = [error]
  for (let seen = 0; queue.length > 0 && seen < 16; seen++) {
    const current = queue.shift()
    if (!(current instanceof Error)) continue
    yield current
    if (current instanceof AggregateError) queue.push(...current.errors)
    queue.push(current.cause)
  }
}

/**
 * Classifies the error of an HTTP request to a peer. `code` is the system's or undici's own, for detail lines.
 * `null` when the error is no network failure (a bug, an abort).
 */
export function classifyNetworkError(error: unknown): { failure: NetworkFailure; code: string } | null {
  for (const { code } of causesOf(error)) {
    if (typeof code !== 'string') continue
    const failure = FAILURE_BY_CODE[code] ?? (TLS_PREFIX.test(code) ? 'tls' : undefined)
    if (failure) return { failure, code }
  }
  return null
}
