import { z } from 'zod'
import { LogLine } from './dtma.ts'
import { Failure } from './errors.ts'
import { Id, Timestamp } from './names.ts'

export const DeploymentState = z.enum([
  'queued',
  'preparing',
  'starting',
  'probing',
  'live',
  'failed',
  'cancelled',
  'rolled_back',
])
export type DeploymentState = z.infer<typeof DeploymentState>

/** Milliseconds from accepted to live of this installation's own last deployments of the same source. */
export const Estimate = z.object({ medianMs: z.number(), p90Ms: z.number(), samples: z.int() })
export type Estimate = z.infer<typeof Estimate>

export const DeployAnswer = z.object({
  serverId: Id,
  deploymentId: Id,
  status: DeploymentState,
  /** ISO time by the median of this installation's own history of the same source; null while there is none. */
  estimatedReadyAt: z.iso.datetime().nullable(),
  estimate: Estimate.nullable(),
})
export type DeployAnswer = z.infer<typeof DeployAnswer>

/**
 * `number` deploys that revision; left out: the one that serves, or the newest when none does. `toolboxId` moves the server there:
 * it serves where it is until the new instance is live.
 */
export const RedeployServer = z.strictObject({
  id: Id,
  number: z.int32().positive().optional(),
  toolboxId: Id.optional(),
})
export type RedeployServer = z.infer<typeof RedeployServer>

export const RollbackServer = z.strictObject({ id: Id, number: z.int32().positive() })
export type RollbackServer = z.infer<typeof RollbackServer>

export const RedeployAnswer = DeployAnswer.extend({ revisionNumber: z.int() })
export type RedeployAnswer = z.infer<typeof RedeployAnswer>

export const DeploymentPhase = z.object({
  state: DeploymentState,
  phase: z.string().nullable(),
  startedAt: Timestamp,
  endedAt: Timestamp.nullable(),
})

/** How the configuration of a failed attempt differs from that of the revision which last went live. */
export const ConfigurationChanges = z.object({
  /** Number of that revision. */
  against: z.int(),
  changes: z.array(
    z.object({
      /** Path in the revision (`limits.memoryMb`, `source.args.0`), `env.NAME`, `headers.Name` or `userCredentials.NAME`. */
      name: z.string(),
      /** Null: not there. Of secrets only whether they were there. */
      before: z.string().nullable(),
      after: z.string().nullable(),
      secret: z.boolean(),
    }),
  ),
})
export type ConfigurationChanges = z.infer<typeof ConfigurationChanges>

export const Deployment = z.object({
  id: Id,
  serverId: Id,
  revisionNumber: z.int(),
  state: DeploymentState,
  /** The toolbox's own words for the step that is going on. */
  phase: z.string().nullable(),
  phases: z.array(DeploymentPhase),
  requestedBy: z.string().nullable(),
  createdAt: Timestamp,
  finishedAt: Timestamp.nullable(),
  estimatedReadyAt: Timestamp.nullable(),
  /** What `estimatedReadyAt` came from; null when there was no history. */
  estimate: Estimate.nullable(),
  /** Why it failed; also set while the revision before is being brought back. */
  failure: Failure.nullable(),
  /** Last log lines of the instance, kept when it failed. */
  logTail: z.array(LogLine),
  /** Kept when it failed; null when nothing of the server had gone live before. */
  changes: ConfigurationChanges.nullable(),
  /** Whether everything of a failed attempt is gone from the toolbox; null when there was nothing to remove. */
  cleanedUp: z.boolean().nullable(),
})
export type Deployment = z.infer<typeof Deployment>
