import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/** What a seed leaves for the start: printed as the last line of its standard output. */
export const SeedResult = z.object({ adminEmail: z.string(), enrollmentToken: z.string().nullable() })

// The seed runs in a process of its own: its connections and caches end with it, and the supervisor stays small.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const home = process.argv[2] ?? ''
  const { seed } = await import('#prisma/seed.ts')
  const { closeDatabase } = await import('#server/db/client.ts')
  const { adminEmail, enrollmentToken } = await seed({ home, env: process.env })
  process.stdout.write(`\n${JSON.stringify({ adminEmail, enrollmentToken })}\n`)
  // Open connections would keep the process: Postgres' for the pool's ten seconds, Redis' for ever.
  const { closeRedis } = await import('#server/redis.ts')
  await Promise.all([closeDatabase(), closeRedis()])
}
