import { createServer, type Server } from 'node:https'
import type { Logger } from '#dtma/logger.ts'
import type { Identity } from '#protocol/identity.ts'
import { sendFailure } from './respond.ts'
import { type RouteContext, route } from './routes.ts'

/**
 * Opens the agent's listener: TLS with the agent's own key, asking every client for its certificate. Who may do what is decided per
 * route by the client's key, since `/healthz` is open and chains and dates mean nothing here. Rejects when the port is taken.
 */
export async function listen(options: {
  host: string
  port: number
  identity: Identity
  context: RouteContext
  logger: Logger
}): Promise<Server> {
  const server = createServer(
    {
      cert: options.identity.certificate,
      key: options.identity.privateKey,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      // Above the clients' idle time, so that they are the ones to close.
      keepAliveTimeout: 65_000,
    },
    (request, response) => {
      response.on('error', () => {})
      route(options.context, request, response).catch((error: unknown) => {
        const { unexpected } = sendFailure(response, error)
        if (unexpected) options.logger.error({ err: error, method: request.method }, 'request failed')
      })
    },
  )
  server.maxConnections = 2_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port }, resolve)
  })
  return server
}

/** Stops accepting, and ends what is open: the servers behind it are ending too. */
export async function closeListener(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeAllConnections()
  await closed
}
