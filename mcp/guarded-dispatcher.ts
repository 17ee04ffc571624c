import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { AddressRefused, type AllowedRemotes, mayCall } from './address-guard.ts'

/** Open connections to one remote server: calls, and event streams that stay open. */
const CONNECTIONS = 128
const CONNECT_MS = 10_000
/** A tool may work for long before it answers; whoever called gives up earlier. */
const HEADERS_MS = 15 * 60_000
/** Between two pieces of an answer: an event stream may be silent for long, one that died must not stay for ever. */
const BODY_MS = 15 * 60_000

type Resolve = (
  host: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/**
 * Makes connections that end only at addresses that may be called. What a name resolves to is checked and the very addresses that
 * were checked are connected to, so a name that changes in between gains nothing; one forbidden address refuses the name. Fails with
 * AddressRefused. `resolve` is the system's.
 */
export function createGuardedConnector(
  allowed: AllowedRemotes,
  resolve: Resolve = lookup,
): buildConnector.connector {
  const connector = buildConnector({
    timeout: CONNECT_MS,
    lookup: guardedLookup(allowed, resolve),
    autoSelectFamily: true,
  })
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    // An address is connected to without being looked up.
    if (isIP(host) !== 0 && !mayCall(host, host, allowed)) callback(new AddressRefused(host, host), null)
    else return connector(options, callback)
  }
}

/** A pool of guarded connections. Requests fail with AddressRefused (in the chain of causes). Redirects are nothing that a dispatcher follows. */
export function createGuardedDispatcher(allowed: AllowedRemotes, resolve?: Resolve): Agent {
  return new Agent({
    connections: CONNECTIONS,
    headersTimeout: HEADERS_MS,
    bodyTimeout: BODY_MS,
    connect: createGuardedConnector(allowed, resolve),
  })
}

function guardedLookup(allowed: AllowedRemotes, resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0)
      const refused = found.find(({ address }) => !mayCall(host, address, allowed))
      const [first] = found
      if (refused) return callback(new AddressRefused(host, refused.address), '', 0)
      if (options.all) return callback(null, found)
      return callback(null, first?.address ?? '', first?.family ?? 0)
    })
  }
}
