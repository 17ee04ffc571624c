import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** State "listen" in `/proc/net/tcp` (include/net/tcp_states.h). */
const LISTEN = '0A'

/** Users whose processes listen on a TCP port, over IPv4 and IPv6. Null where `/proc/net` cannot say. */
export function usersListeningOn(port: number): number[] | null {
  const users: number[] = []
  let readable = false
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text: string
    try {
      text = readFileSync(file, 'latin1')
    } catch {
      continue
    }
    readable = true
    for (const line of text.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/)
      const localPort = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16)
      if (localPort === port && columns[3] === LISTEN) users.push(Number(columns[7]))
    }
  }
  return readable ? users : null
}

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
