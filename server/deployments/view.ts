import { z } from 'zod'
import { ConfigurationChanges, type Deployment, Estimate } from '#contracts/deployments.ts'
import { LogLine } from '#contracts/dtma.ts'
import { Failure } from '#contracts/errors.ts'
import type { RevisionView } from '#contracts/servers.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { open } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { envPlace, RevisionSpec } from './spec.ts'

export const DEPLOYMENT_INCLUDE = {
  phases: { orderBy: { id: 'asc' } },
  revision: { select: { number: true } },
  requester: { select: { email: true } },
} satisfies Prisma.DeploymentInclude

type Row = Prisma.DeploymentGetPayload<{ include: typeof DEPLOYMENT_INCLUDE }>

export function deploymentView(row: Row): Deployment {
  return {
    id: row.id,
    serverId: row.serverId,
    revisionNumber: row.revision.number,
    state: row.state,
    phase: row.phase,
    phases: row.phases.map((phase) => ({
      state: phase.state,
      phase: phase.phase,
      startedAt: phase.startedAt.toISOString(),
      endedAt: phase.endedAt?.toISOString() ?? null,
    })),
    requestedBy: row.requester?.email ?? null,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    estimatedReadyAt: row.estimatedReadyAt?.toISOString() ?? null,
    estimate: row.estimate === null ? null : Estimate.parse(row.estimate),
    failure: row.failure === null ? null : Failure.parse(row.failure),
    logTail: row.logTail === null ? [] : z.array(LogLine).parse(row.logTail),
    changes: row.changes === null ? null : ConfigurationChanges.parse(row.changes),
    cleanedUp: row.finishedAt && row.state !== 'live' ? row.cleanedUpAt !== null : null,
  }
}

export const REVISION_INCLUDE = {
  env: { orderBy: { name: 'asc' } },
  headers: { orderBy: { name: 'asc' }, select: { name: true } },
} satisfies Prisma.RevisionInclude

/** A revision as admins see it: values of secrets, all headers among them, stay where they are. */
export function revisionView(
  row: Prisma.RevisionGetPayload<{ include: typeof REVISION_INCLUDE }>,
): RevisionView {
  const { source, catalog, transport, http, limits, ...spec } = RevisionSpec.parse(row.spec)
  const key = masterKey()
  return {
    number: row.number,
    source,
    catalog: catalog ?? null,
    headerNames: row.headers.map(({ name }) => name),
    transport,
    http,
    limits,
    env: row.env.map(({ name, secret, ciphertext }) => ({
      name,
      secret,
      value: secret ? null : open(key, envPlace(row.id, name), ciphertext),
    })),
    data: spec.data,
    rollout: spec.rollout,
    sharing: spec.sharing,
    userCredentials: spec.userCredentials,
    drainSeconds: spec.drainSeconds,
    createdAt: row.createdAt.toISOString(),
  }
}
