import { join } from 'node:path'
import { publishInstallation } from '#e2e/installation.ts'
import { plainProgress } from '#scripts/start/progress.ts'
import { startToolberth } from '#scripts/start/supervisor.ts'
import { openRunFolder } from '#testing/run-folder.ts'

/** Starts a whole Toolberth with a home of its own on free ports; it serves every spec and is gone afterwards. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const run = openRunFolder()
  try {
    const toolberth = await startToolberth({
      home: join(run.folder, 'homes', 'e2e'),
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
      await run.close()
    }
  } catch (error) {
    await run.close()
    throw error
  }
}
