import { isDeepStrictEqual } from 'node:util'
import type { PutInstance } from '#contracts/dtma.ts'
import type { InstanceSpec } from '#contracts/instances.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { InstanceRecord } from '#dtma/state/instance-store.ts'

/**
 * Decides about one PUT: the record to keep, or null when it changes nothing. Throws AgentFailure STALE_FENCE for a lower fence
 * (and for an equal one that would revive a tombstone), SPEC_NEEDED, or BAD_REQUEST for another spec under the same id.
 */
export function acceptPut(
  known: InstanceRecord | null,
  id: string,
  put: PutInstance,
  now: Date,
): InstanceRecord | null {
  const revives = known?.desired === 'absent' && put.desired !== 'absent'
  if (known !== null && (put.fence < known.fence || (revives && put.fence === known.fence))) {
    throw new AgentFailure('STALE_FENCE', `Fence ${put.fence} is too old; ${known.fence} was accepted.`, {
      fence: known.fence,
    })
  }
  const spec = put.desired === 'absent' ? null : renewed(known?.spec ?? null, put.spec ?? null)
  if (put.desired !== 'absent' && spec === null) {
    throw new AgentFailure('SPEC_NEEDED', 'This agent does not know the instance; send its spec.')
  }
  if (known?.spec != null && put.spec !== undefined && !isDeepStrictEqual(spec, put.spec) && spec !== null) {
    throw new AgentFailure('BAD_REQUEST', 'An instance keeps its spec; a new revision is a new instance.')
  }
  if (spec?.source.type === 'remote' && spec.transport === 'stdio') {
    throw new AgentFailure('BAD_REQUEST', 'A remote server is reached over streamable-http or sse.')
  }
  if (spec?.sharing === 'isolated' && (spec.transport !== 'stdio' || spec.data.length > 0)) {
    throw new AgentFailure('BAD_REQUEST', 'Only a stdio server without declared data can be isolated.')
  }
  const next: InstanceRecord = {
    id,
    desired: put.desired,
    fence: put.fence,
    restartNonce: put.restartNonce ?? known?.restartNonce ?? null,
    spec,
    everReady: put.desired === 'absent' || revives ? false : (known?.everReady ?? false),
    deleteDataOf: put.desired === 'absent' ? (put.deleteDataOf ?? known?.deleteDataOf ?? null) : null,
    changedAt: now.toISOString(),
  }
  const unchanged =
    known !== null &&
    known.desired === next.desired &&
    known.fence === next.fence &&
    known.restartNonce === next.restartNonce &&
    known.spec === next.spec &&
    known.deleteDataOf === next.deleteDataOf
  return unchanged ? null : next
}

/**
 * The spec that is known, with the registry's credentials as they are now: those are not the revision's, and may have been renewed
 * since. They are used by the next pull.
 */
function renewed(known: InstanceSpec | null, now: InstanceSpec | null): InstanceSpec | null {
  if (known?.source.type !== 'image' || now?.source.type !== 'image') return known ?? now
  const { credentials: before, ...source } = known.source
  const { credentials } = now.source
  if (isDeepStrictEqual(before, credentials)) return known
  return { ...known, source: { ...source, ...(credentials && { credentials }) } }
}
