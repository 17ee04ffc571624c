import { Socket } from 'node:net'
import { Agent, type buildConnector, buildConnector as connectorOf } from 'undici'

export type Connector = buildConnector.connector

/** What of a connection was reached. */
export interface ConnectionWatch {
  onResolved(): void
  /** TCP. */
  onConnected(): void
  /** TLS as well, where there is any. */
  onReady(): void
}

/**
 * Connections of a probe's own, so that what is timed is what a first call takes; the first is watched. `connector` makes them (the
 * pinned or the guarded one, say). Whoever has it destroys it.
 */
export function openProbeConnection(connector: Connector | undefined, watch: ConnectionWatch): Agent {
  // The stages' clock ends what takes too long.
  const make = connector ?? connectorOf({ timeout: 0, autoSelectFamily: true })
  let watched = false
  return new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(options, callback) {
      if (watched) return make(options, callback)
      watched = true
      const secure = options.protocol === 'https:'
      const socket: unknown = make(options, (...result) => {
        if (result[0] === null) watch.onReady()
        callback(...result)
      })
      if (!(socket instanceof Socket)) return
      socket.once('lookup', (error: Error | null) => {
        if (!error) watch.onResolved()
      })
      if (secure) socket.once('connect', () => watch.onConnected())
    },
  })
}
