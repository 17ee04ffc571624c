import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { FullConfig } from '@playwright/test'
import { publishInstallation } from '#e2e/installation.ts'
import { homePaths } from '#scripts/start/home.ts'
import { plainProgress } from '#scripts/start/progress.ts'
import { startToolberth } from '#scripts/start/supervisor.ts'
import { openRunFolder } from '#testing/run-folder.ts'

/** Starts a whole Toolberth with a home of its own on free ports; it serves every spec and is gone afterwards. */
export default async function globalSetup({ projects }: FullConfig): Promise<() => Promise<void>> {
  const output = projects[0]?.outputDir ?? 'test-results'
  const run = openRunFolder()
  const home = join(run.folder, 'homes', 'e2e')
  try {
    const toolberth = await startToolberth({
      home,
      host: '127.0.0.1',
      ports: 'free',
      database: null,
      redisUrl: null,
      publicUrl: null,
      gatewayPublicUrl: null,
      allowSystemInstall: true,
      env: process.env,
      progress: plainProgress((line) => process.stderr.write(`  ${line}\n`)),
    })
    publishInstallation(toolberth)
    return async () => {
      await toolberth.stop()
      keepLogs(home, output)
      await run.close()
    }
  } catch (error) {
    keepLogs(home, output)
    await run.close()
    throw error
  }
}

/** The home goes away; what its processes logged is what explains a failed spec. */
function keepLogs(home: string, output: string): void {
  const target = join(output, 'logs')
  rmSync(target, { recursive: true, force: true })
  try {
    cpSync(homePaths(home).logs, target, { recursive: true })
  } catch {
    // The start ended before anything was logged.
  }
}
