import { DtmaError } from './errors.ts'

/** Most calls in flight to one toolbox from one process: a toolbox that hangs holds no more than these. */
const MAX_IN_FLIGHT = 2
/** Callers that wait for a place at one toolbox; beyond these nobody would live to see an answer. */
const MAX_WAITING = 100

interface Lane {
  busy: number
  waiting: (() => void)[]
}

const lanes = new Map<string, Lane>()

/** As much is under way at this toolbox as may be. */
export class LaneFull extends Error {}

/**
 * Runs `work` when fewer than two calls to this toolbox are in flight, in order of arrival; without `wait` it throws LaneFull
 * when there are two, for job steps: those that waited would keep the queue from all other toolboxes. Throws DtmaError TOOLBOX_BUSY
 * when too many wait.
 */
export async function inLane<T>(toolboxId: string, wait: boolean, work: () => Promise<T>): Promise<T> {
  const lane = lanes.get(toolboxId) ?? { busy: 0, waiting: [] }
  lanes.set(toolboxId, lane)
  if (lane.busy >= MAX_IN_FLIGHT && !wait)
    throw new LaneFull(`${MAX_IN_FLIGHT} calls to toolbox ${toolboxId} are in flight`)
  if (lane.waiting.length >= MAX_WAITING)
    throw new DtmaError('TOOLBOX_BUSY', `${MAX_WAITING} calls wait for this toolbox already.`)
  if (lane.busy >= MAX_IN_FLIGHT) await new Promise<void>((resolve) => lane.waiting.push(resolve))
  else lane.busy += 1
  try {
    return await work()
  } finally {
    const next = lane.waiting.shift()
    // The place is handed on, so `busy` stays as it is.
    if (next) next()
    else if (--lane.busy === 0) lanes.delete(toolboxId)
  }
}
