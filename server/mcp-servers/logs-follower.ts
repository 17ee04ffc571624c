import { setTimeout as sleep } from 'node:timers/promises'
import type { Failure } from '#contracts/errors.ts'
import { createPositioner } from '#protocol/log-lines.ts'
import type { ToolboxAddress } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { followInstanceLog } from '#server/dtma/follow-logs.ts'
import { AppError, toFailure } from '#server/errors.ts'
import type { LogBuffer } from './logs-buffer.ts'

/** Without a position to go on from. */
const FIRST_TAIL = 500
/** After a position: what came meanwhile, as much as a reader is given at all. */
const MISSED_TAIL = 5_000
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 15_000

/**
 * Reads one instance's log into the buffer until `signal` aborts: when the toolbox breaks off, from where it broke off, without a
 * gap or a repetition. Never rejects: what is wrong is said as a state.
 */
export async function runFollower(
  instance: { id: string; toolbox: ToolboxAddress },
  from: number | null,
  buffer: LogBuffer,
  signal: AbortSignal,
): Promise<void> {
  const { id: instanceId, toolbox } = instance
  let read = from
  let wait = FIRST_WAIT_MS
  while (!signal.aborted) {
    // A new one each time: agents without positions send the same lines again, which get the same positions.
    const positionOf = createPositioner()
    let failure: Failure | null = null
    try {
      const tail = read === null ? FIRST_TAIL : MISSED_TAIL
      await followInstanceLog(
        toolbox,
        instanceId,
        { tail, after: read, signal },
        {
          onOpen() {
            wait = FIRST_WAIT_MS
            buffer.notice({ kind: 'state', instanceId, state: 'open', failure: null })
          },
          onLine(line) {
            const entry = positionOf(line)
            if (read !== null && entry.seq <= read) return
            read = entry.seq
            buffer.push({ ...entry, instanceId })
          },
          onMissed: (lines) => buffer.missed(instanceId, lines),
        },
      )
    } catch (error) {
      failure = failureOf(error)
    }
    if (signal.aborted) return
    buffer.notice({ kind: 'state', instanceId, state: 'waiting', failure })
    await sleep(wait, undefined, { signal }).catch(() => undefined)
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }
}

function failureOf(error: unknown): Failure | null {
  // It was not told of the instance yet, or has just removed it.
  if (error instanceof DtmaError && error.agentCode === 'NOT_FOUND') return null
  if (error instanceof DtmaError || error instanceof AppError)
    return toFailure(error.code, { detail: error.message })
  return toFailure('INTERNAL')
}
