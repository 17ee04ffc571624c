import type { Failure } from '#contracts/errors.ts'
import type { ProbeResult } from '#contracts/probe.ts'
import { recordAudit } from '#server/audit/record.ts'
import { checkSoon } from '#server/connections/checks/check-soon.ts'
import { systemCtx } from '#server/context.ts'
import type { Db } from '#server/db/with-actor.ts'
import { inProbeLane } from '#server/dtma/bulkhead.ts'
import { probeFailure } from '#server/dtma/probe-failure.ts'
import { probeInstance } from '#server/dtma/probe-instance.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { probeFacts } from '#server/mcp-servers/record-probe.ts'
import { recordTools } from '#server/mcp-servers/record-tools.ts'
import { wantServer } from '#server/mcp-servers/transition.ts'
import { asksItsUsers } from './asks-its-users.ts'
import { type Claim, underClaim } from './claim.ts'
import { pinImage } from './image-digest.ts'
import { pruneRevisions } from './prune.ts'
import { showStages } from './show-stages.ts'
import { RevisionSpec } from './spec.ts'
import { moveDeployment } from './transition.ts'

/** Per stage; a whole probe takes at most three times as long, which stays within the lease. */
const PROBE_STAGE_MS = 5_000
/** A server that was started may need a moment; a probe that may pass later is repeated for so long. */
const PROBE_WINDOW_MS = 30_000

interface Probed {
  id: string
  serverId: string
  instanceId: string | null
  instance: {
    startedAt: Date | null
    createdAt: Date
    toolbox: { id: string; url: string | null; certificate: string | null }
  } | null
}

/**
 * Probes the new instance through the real path; only when that passed, the live pointer moves, the tools are recorded and the
 * deployment is live, in one transaction. Answers `live`, `again` (not yet) or the failure. Throws LaneFull.
 */
export async function goLive(claim: Claim, deployment: Probed): Promise<'live' | 'again' | Failure> {
  const { instance, instanceId } = deployment
  if (!instance || !instanceId || !instance.toolbox.url || !instance.toolbox.certificate) return 'again'
  const toolbox = {
    id: instance.toolbox.id,
    url: instance.toolbox.url,
    certificate: instance.toolbox.certificate,
  }
  const stages = showStages(claim, deployment.id)
  const probe = await inProbeLane(toolbox.id, () =>
    probeInstance(toolbox, instanceId, { timeoutMs: PROBE_STAGE_MS, onStage: stages.onStage }),
  )
  await stages.settled()
  if (!probe.ok && !(await asksItsUsers(instanceId, probe.failure))) {
    const since = (instance.startedAt ?? instance.createdAt).getTime()
    if (!probe.failure.definitive && Date.now() - since < PROBE_WINDOW_MS) return 'again'
    return probeFailure(probe.failure)
  }
  return (await underClaim(claim, (db) =>
    writeLive(db, claim, deployment, instanceId, probe.ok ? probe : null),
  ))
    ? 'live'
    : 'again'
}

async function writeLive(
  db: Db,
  claim: Claim,
  deployment: Probed,
  instanceId: string,
  /** Null: it tells nothing before its users have said who they are. */
  probe: Extract<ProbeResult, { ok: true }> | null,
): Promise<boolean> {
  const { toolboxId, toolbox } = await db.instance.findUniqueOrThrow({
    where: { id: instanceId },
    select: { toolboxId: true, toolbox: { select: { state: true } } },
  })
  // Whoever deletes the toolbox has asked for this deployment to be cancelled.
  if (toolbox.state === 'deleting') return false
  if (!(await moveDeployment(db, deployment, 'live'))) return false
  const { serverId } = deployment
  await retireOthers(db, claim, serverId, instanceId)
  if (probe) await recordTools(db, serverId, probe.tools)
  const { desired } = await db.mcpServer.findUniqueOrThrow({
    where: { id: serverId },
    select: { desired: true },
  })
  // One that stood still was deployed to run.
  if (desired === 'stopped') await wantServer(db, serverId, 'running', 'starting')
  await db.mcpServer.update({
    where: { id: serverId },
    data: {
      liveInstanceId: instanceId,
      toolboxId,
      failureCode: null,
      ...(probe && probeFacts(probe)),
      ...(await revisionFacts(db, deployment.id)),
    },
  })
  await db.instance.update({ where: { id: instanceId }, data: { observed: 'running' } })
  await pinImage(db, instanceId)
  await pruneRevisions(db, serverId)
  await observeServer(db, serverId)
  // Also when it was running before, the one that runs now is another.
  await checkSoon(db, serverId)
  await recordAudit(db, systemCtx('provision'), {
    action: 'deployment.live',
    subjectType: 'deployment',
    subjectId: deployment.id,
    detail: { serverId },
  })
  return true
}

/** What users have to know of a server before they connect. */
async function revisionFacts(db: Db, deploymentId: string) {
  const { revision } = await db.deployment.findUniqueOrThrow({
    where: { id: deploymentId },
    select: { revision: { select: { spec: true } } },
  })
  const { transport, sharing, userCredentials, catalog } = RevisionSpec.parse(revision.spec)
  const entry = catalog
    ? await db.catalogEntry.findFirst({
        where: { slug: catalog.slug, deletedAt: null },
        select: { categories: true },
      })
    : null
  return { transport, sharing, userCredentials, categories: entry?.categories ?? [] }
}

/**
 * The instance that served until now drains: calls that it has begun may end, and gateways that have not yet seen the pointer move
 * still find it. Others are not wanted any more. It is the reconciler that tells the toolbox.
 */
async function retireOthers(db: Db, claim: Claim, serverId: string, instanceId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE instances i SET drain_until = clock_timestamp() + make_interval(secs => (r.spec->>'drainSeconds')::int)
    FROM revisions r, mcp_servers s
    WHERE s.id = ${serverId}::uuid AND i.id = s.live_instance_id AND i.id <> ${instanceId}::uuid AND r.id = i.revision_id
      AND i.desired = 'running' AND i.observed NOT IN ('failed', 'exited', 'absent') AND i.drain_until IS NULL`
  await db.instance.updateMany({
    where: { serverId, id: { not: instanceId }, desired: { not: 'absent' }, drainUntil: null },
    data: { desired: 'absent', fence: claim.fence },
  })
}
