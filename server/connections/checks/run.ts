import type { ProbeResult } from '#contracts/probe.ts'
import { credentialStates, missingOf, missingText } from '#server/connections/credentials.ts'
import { openCredentials, type UserSecrets } from '#server/connections/open-credentials.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import type { ToolboxAddress } from '#server/dtma/client.ts'
import { probeFailure } from '#server/dtma/probe-failure.ts'
import { probeInstance } from '#server/dtma/probe-instance.ts'
import { toFailure } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import { type Check, type CheckOutcome, recordCheck, releaseCheck } from './record.ts'

/** Of each stage, milliseconds: a server that takes longer is as good as away, and the toolbox has others. */
const STAGE_MS = 5_000

const actor = systemCtx('connection-check').actor

/**
 * One whole handshake with the live instance, for all connections that it stands for, and what follows from it. Where their users have
 * not given what the server requires, that is the verdict: an answer without would be none about theirs.
 */
export async function runCheck(check: Check): Promise<void> {
  const target = await load(check)
  if (!target) return releaseCheck(check)
  const { missing } = target
  if (missing.length > 0) {
    const failure = toFailure('CREDENTIALS_MISSING', { detail: missingText(missing) })
    return recordCheck(check, target.instanceId, { probe: null, failure })
  }
  const outcome = await probeInstance(target.toolbox, target.instanceId, {
    timeoutMs: STAGE_MS,
    user: target.user,
  }).then(outcomeOf, (error: unknown): CheckOutcome => {
    logger.error({ err: error, ...check }, 'the probe of a check threw')
    return { probe: null, failure: toFailure('INTERNAL') }
  })
  await recordCheck(check, target.instanceId, outcome)
}

function outcomeOf(probe: ProbeResult): CheckOutcome {
  return probe.ok ? { probe, failure: null } : { probe: null, failure: probeFailure(probe.failure) }
}

interface Target {
  instanceId: string
  toolbox: ToolboxAddress
  user: UserSecrets
  /** Names of what the server requires and is not there. */
  missing: string[]
}

async function load({ serverId, connectionId }: Check): Promise<Target | null> {
  return withActor(actor, async (db) => {
    const instance = await db.instance.findFirst({
      where: { desired: 'running', liveOf: { id: serverId, desired: 'running', deletedAt: null } },
      select: {
        id: true,
        toolbox: { select: { id: true, url: true, certificate: true } },
        liveOf: { select: { userCredentials: true } },
      },
    })
    const { id, url, certificate } = instance?.toolbox ?? {}
    if (!instance?.liveOf || !id || !url || !certificate) return null
    const stored = connectionId ? await db.connectionCredential.findMany({ where: { connectionId } }) : []
    return {
      instanceId: instance.id,
      toolbox: { id, url, certificate },
      user: openCredentials(connectionId ?? '', stored),
      missing: missingOf(credentialStates(instance.liveOf, stored)),
    }
  })
}
