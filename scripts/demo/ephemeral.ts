import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeHome } from '#scripts/services/system-home.ts'
import type { Progress } from '#scripts/start/progress.ts'
import { startToolberth } from '#scripts/start/supervisor.ts'
import type { Installation } from './find-installation.ts'
import type { Step } from './report.ts'

/**
 * Starts an installation on free ports with a temporary home, gives it to `use`, stops it and removes everything of it, however
 * `use` ended. Aborting `signal` stops a start in the middle; aborting `force` ends every process at once.
 */
export async function withEphemeral(
  { step, ...settings }: { step: Step; progress: Progress; signal: AbortSignal; force: AbortSignal },
  use: (installation: Installation) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'toolberth-demo-'))
  try {
    const toolberth = await step('Start Toolberth', () =>
      startToolberth({
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
      }),
    )
    try {
      await use({ url: toolberth.url, apiKey: toolberth.adminApiKey })
    } finally {
      await step('Stop Toolberth', () => toolberth.stop())
    }
  } finally {
    removeHome(home)
  }
}
