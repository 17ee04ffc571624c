import { PrismaPg } from '@prisma/adapter-pg'
import { env } from '#server/env.ts'
import { logger } from '#server/logger.ts'
import { PrismaClient } from './generated/client.ts'

const holder = globalThis as typeof globalThis & { toolberthPrisma?: PrismaClient }

/** The process's one Prisma client (Next evaluates modules several times, so it sits on globalThis). Use `withActor`. */
export function prisma(): PrismaClient {
  holder.toolberthPrisma ??= create()
  return holder.toolberthPrisma
}

export async function closeDatabase(): Promise<void> {
  const open = holder.toolberthPrisma
  holder.toolberthPrisma = undefined
  await open?.$disconnect()
}

function create(): PrismaClient {
  const adapter = new PrismaPg(
    {
      connectionString: env.DATABASE_URL,
      max: env.DATABASE_POOL,
      connectionTimeoutMillis: 5_000,
      // A new connection costs Postgres more than the work it is opened for; what recurs every few seconds finds one open.
      idleTimeoutMillis: 60_000,
      // Late commits hold back the event tail, so no transaction of ours may stay open for long.
      options: '-c transaction_timeout=10000 -c app.actor_kind=',
      application_name: process.env.TOOLBERTH_PROCESS ?? 'toolberth',
    },
    // A server that restarts ends idle connections; the pool opens new ones.
    { onPoolError: (error) => logger.warn({ err: error }, 'database connection lost') },
  )
  return new PrismaClient({ adapter })
}
