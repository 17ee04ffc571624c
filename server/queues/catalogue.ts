import { z } from 'zod'
import { Id } from '#contracts/names.ts'

/** Job name -> payload and how it is retried: producer and handler are typed by it, and both parse by it. */
export const JOBS = {
  provision: { payload: z.object({ deploymentId: Id }), attempts: 1 },
  /** One step of making or destroying the droplet of a toolbox. */
  droplet: { payload: z.object({ toolboxId: Id }), attempts: 1 },
  /** 3 attempts with waits of 1 s and 2 s and jitter; see `retryDelay`. */
  'connection-test': { payload: z.object({ testId: Id }), attempts: 3 },
} as const

/** Recurring jobs, upserted by every worker from a timer, since an emptied Redis forgets them. */
export const RECURRING = {
  /** Asks every toolbox what it runs. */
  'status-sync': { everyMs: 30_000 },
  /** Finds what was lost: jobs, heartbeats, clean-ups, drift. */
  reconcile: { everyMs: 5_000 },
  /** Destroys droplets of this installation that no toolbox has. */
  reap: { everyMs: 60_000 },
  /** Begins the checks of connections that are due. */
  recheck: { everyMs: 5_000 },
} as const

/** For how long each queue counts what was done and what failed. */
export const METRICS_MINUTES = 60

export type JobName = keyof typeof JOBS
export type RecurringName = keyof typeof RECURRING
export type Payload<N extends JobName> = z.infer<(typeof JOBS)[N]['payload']>
