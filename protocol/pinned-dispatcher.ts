import { createSecureContext, type TLSSocket } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import { fingerprintOfKey, type Identity, publicKeyFingerprint } from './identity.ts'

/** The peer answered with another key than the pinned one: another machine, or an agent that was set up again. */
export class PinMismatchError extends Error {
  readonly code = 'PIN_MISMATCH'
  constructor() {
    super('The server at this address holds another key than the one pinned at enrolment.')
    this.name = 'PinMismatchError'
  }
}

export type PinnedDispatcherOptions = {
  /** PEM certificate whose public key the server must prove to hold. */
  serverCertificate: string
  clientIdentity: Identity
  /** Most sockets to one origin; undici's default is no limit. */
  connections?: number
  /** Milliseconds; 0 is none. `connect` covers TCP and TLS. `headers` and `body` are undici's (idle time for the body). */
  timeouts?: { connect?: number; headers?: number; body?: number }
}

/** Makes connections by mutual TLS with exactly one peer. Throws PinMismatchError (to the callback) when its key is another one. */
export function createPinnedConnector(options: PinnedDispatcherOptions): buildConnector.connector {
  const pinned = publicKeyFingerprint(options.serverCertificate)
  const connector = buildConnector({
    // One for all connections: Node would read keys and certificates for each, and free what that takes much later.
    secureContext: createSecureContext({
      ca: [options.serverCertificate],
      cert: options.clientIdentity.certificate,
      key: options.clientIdentity.privateKey,
      minVersion: 'TLSv1.3',
    }),
    // Trust is the key, not names or dates: chain errors (such as an expired date) are ignored, the key is compared below.
    rejectUnauthorized: false,
    // A resumed session would skip the certificate, and with it the comparison.
    maxCachedSessions: 0,
    timeout: options.timeouts?.connect ?? 5_000,
    allowH2: false,
  })
  return (target, callback) => {
    if (target.protocol !== 'https:')
      return callback(new TypeError('Agents are called over https only.'), null)
    return connector(target, (error, socket) => {
      if (error !== null) return callback(error, null)
      const key = (socket as TLSSocket).getPeerX509Certificate()?.publicKey
      if (key === undefined || fingerprintOfKey(key) !== pinned) {
        socket.destroy()
        return callback(new PinMismatchError(), null)
      }
      callback(null, socket)
    })
  }
}

/**
 * An undici Agent for mutual TLS with exactly one peer, to be given as `dispatcher` to undici's own `request` or `fetch`.
 * A request through it fails with PinMismatchError before any byte is sent when the peer's key is another one.
 * Callers close it with `close()` or `destroy()`.
 */
export function createPinnedDispatcher(options: PinnedDispatcherOptions): Agent {
  return new Agent({
    connections: options.connections ?? null,
    pipelining: 1,
    headersTimeout: options.timeouts?.headers ?? 30_000,
    bodyTimeout: options.timeouts?.body ?? 30_000,
    connect: createPinnedConnector(options),
  })
}
