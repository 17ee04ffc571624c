import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeHome } from '#scripts/services/system-home.ts'
import type { Progress } from '#scripts/start/progress.ts'
import { startToolberth } from '#scripts/start/supervisor.ts'
import type { Installation } from './find-installation.ts'

/**
 * Starts an installation on free ports with a temporary home, gives it to `use`, stops it and removes everything of it, however
 * `use` ended. Aborting `signal` stops a start in the middle; aborting `force` ends every process at once.
 */
export async function withEphemeral(
  settings: { progress: Progress; signal: AbortSignal; force: AbortSignal },
  use: (installation: Installation) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'toolberth-demo-'))
  try {
    const toolberth = await startToolberth({
      ...settings,
      home,
      host: '127.0.0.1',
      ports: 'free',
      database: null,
      redisUrl: null,
      publicUrl: null,
      gatewayPublicUrl: null,
      allowSystemInstall: true,
      env: process.env,
    })
    try {
      await use({ url: toolberth.url, apiKey: toolberth.adminApiKey })
    } finally {
      const stopped = settings.progress.step('Stop it and remove it')
      await toolberth.stop()
      stopped()
    }
  } finally {
    removeHome(home)
  }
}
