import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { startRedis } from '#scripts/services/redis.ts'
import { noteProcess } from '#testing/run-folder.ts'

export type TestRedis = {
  url: string
  port: number
  pid: number
  /** FLUSHALL: the server is the suite's alone. */
  flush(): Promise<void>
  /** Ends the server; with 'SIGKILL' as a crash would. The port and what the append-only file has are kept. */
  stop(signal?: 'SIGKILL'): Promise<void>
  /** Starts it again on the same port with the same password. */
  start(): Promise<void>
}

/**
 * A Redis server of the suite's own (about 100 ms). Not a numbered database of a shared one: pub/sub and FLUSHALL know no
 * numbered databases.
 */
export async function createTestRedis(): Promise<TestRedis> {
  const runFolder = inject('runFolder')
  const home = mkdtempSync(join(runFolder, 'redis-'))
  const start = async (port?: number) => {
    const server = await startRedis({
      dir: join(home, 'data'),
      log: () => undefined,
      allowSystemInstall: false,
      ...(port === undefined ? {} : { port }),
    })
    noteProcess(runFolder, server.pid)
    return server
  }
  let server = await start()
  return {
    url: server.url,
    port: server.port,
    get pid() {
      return server.pid
    },
    async flush() {
      const client = new Redis(server.url, { maxRetriesPerRequest: 1 })
      await client.flushall().finally(() => client.disconnect())
    },
    async stop(signal) {
      if (signal === undefined) return server.stop()
      process.kill(server.pid, signal)
      await server.exited
    },
    async start() {
      server = await start(server.port)
    },
  }
}
