import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Why no listener can be opened on this host and port right now, as the system's error code; null when one can. */
export function portProblem(port: number, host: string): Promise<string | null> {
  return listenOnce(port, host).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
}

/** True when a listener can be opened on this host and port right now. Port 0 is always free. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await portProblem(port, host)) === null
}

/** `preferred` when it is free, otherwise a port that the system picks. Loopback unless `host` says otherwise. */
export async function freePort(preferred?: number, host = '127.0.0.1'): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred, host))) return preferred
  return listenOnce(0, host)
}

/**
 * A port that is free now and will most likely be so in a minute: below the range from which systems take the ports of outgoing
 * connections (32768 and up on Linux, 49152 elsewhere).
 */
export async function lastingFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(20_000, 32_000)
    if (await isPortFree(port)) return port
  }
  return freePort()
}

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.unref()
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}
