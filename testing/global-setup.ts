import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '#scripts/services/postgres.ts'
import { redisBinary } from '#scripts/services/redis-binary.ts'
import { migrate } from '#server/db/migrate.ts'
import { noteProcess, openRunFolder } from '#testing/run-folder.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Temporary folder of this run, see `openRunFolder`. */
    runFolder: string
    /** Superuser, owner and app address of the migrated template database, which suites clone and never open. */
    postgres: { adminUrl: string; ownerUrl: string; appUrl: string }
  }
}

const say = (line: string) => process.stderr.write(`${line}\n`)

/** One Postgres for the whole run with a migrated template database; each suite clones it. Redis: see `createTestRedis`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = openRunFolder()
  try {
    await redisBinary(true, say)
    const postgres = await startPostgres({
      dataDir: join(run.folder, 'postgres'),
      log: () => undefined,
      // The data does not outlive the run, so nothing waits for the disk.
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
    })
    noteProcess(run.folder, postgres.pid)
    await migrate({ ownerUrl: postgres.ownerUrl, log: () => undefined })
    project.provide('runFolder', run.folder)
    project.provide('postgres', {
      adminUrl: postgres.adminUrl,
      ownerUrl: postgres.ownerUrl,
      appUrl: postgres.appUrl,
    })
    return async () => {
      await postgres.stop()
      await run.close()
    }
  } catch (error) {
    await run.close()
    throw error
  }
}
