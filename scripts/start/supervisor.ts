import { StartError } from '#scripts/start-error.ts'
import { MigrationError } from '#server/db/migrate.ts'
import { freePorts } from './check-ports.ts'
import { addressesOf } from './environments.ts'
import { homePaths, makeHome } from './home.ts'
import { takeLock } from './lock.ts'
import type { StartOptions } from './options.ts'
import type { Progress } from './progress.ts'
import { Run, type RunningInstallation } from './run.ts'

/** A whole Toolberth that runs. */
export type Toolberth = RunningInstallation & {
  /** Stops everything in order and gives the home free. May be called twice. */
  stop(): Promise<void>
}

export type StartSettings = Omit<StartOptions, 'ports'> & {
  ports: StartOptions['ports'] | 'free'
  progress: Progress
  /** Aborting stops a start in the middle, and everything it has started. */
  signal?: AbortSignal
  /** Aborting ends every process at once, without asking it first. */
  force?: AbortSignal
}

/**
 * Starts everything on one home and answers when all of it is ready. Afterwards crashed processes are restarted until `stop`.
 * Throws `StartError` with one line when it cannot; whatever was started by then has ended again.
 */
export async function startToolberth(settings: StartSettings): Promise<Toolberth> {
  const { ports, progress, signal, force, ...rest } = settings
  const options: StartOptions = { ...rest, ports: ports === 'free' ? await freePorts() : ports }
  makeHome(options.home)
  const paths = homePaths(options.home)
  const lock = await takeLock(paths.lock, addressesOf(options).url)
  if ('holder' in lock) {
    const { pid, note } = lock.holder
    throw new StartError(
      `Toolberth already runs on ${options.home} (process ${pid}, ${note}); stop it first, or choose another folder with --home.`,
    )
  }
  const run = new Run(options, progress)
  signal?.addEventListener('abort', () => run.cancel(), { once: true })
  force?.addEventListener('abort', () => run.force(), { once: true })
  try {
    if (signal?.aborted) run.cancel()
    const ready = await run.start()
    return {
      ...ready,
      stop: async () => {
        await run.stop()
        lock.release()
      },
    }
  } catch (error) {
    await run.stop()
    lock.release()
    if (error instanceof MigrationError) throw new StartError(error.message)
    throw error
  }
}
