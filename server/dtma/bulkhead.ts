import { DtmaError } from './errors.ts'

/** Most calls in flight to one toolbox from one process: a toolbox that hangs holds no more than these. */
const MAX_CALLS = 2
/** Most probes under way at one toolbox from one process: servers that hang in their handshake hold no more than these. */
const MAX_PROBES = 3
/** Callers that wait for a place at one toolbox; beyond these nobody would live to see an answer. */
const MAX_WAITING = 100

/** An agent that answers does so in a fraction of this. */
const STUCK_MS = 500

interface Lane {
  busy: number
  /** When the last call began, milliseconds since 1970. */
  begunAt: number
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
  const lane = lanes.get(toolboxId) ?? { busy: 0, begunAt: 0, waiting: [] }
  lanes.set(toolboxId, lane)
  if (lane.busy >= MAX_CALLS && !wait)
    throw new LaneFull(`${MAX_CALLS} calls to toolbox ${toolboxId} are in flight`)
  if (lane.waiting.length >= MAX_WAITING)
    throw new DtmaError('TOOLBOX_BUSY', `${MAX_WAITING} calls wait for this toolbox already.`)
  if (lane.busy >= MAX_CALLS) await new Promise<void>((resolve) => lane.waiting.push(resolve))
  else lane.busy += 1
  lane.begunAt = Date.now()
  try {
    return await work()
  } finally {
    const next = lane.waiting.shift()
    // The place is handed on, so `busy` stays as it is.
    if (next) next()
    else if (--lane.busy === 0) lanes.delete(toolboxId)
  }
}

/** Whether every place has been taken for a while: who does not wait need not come. */
export function isLaneStuck(toolboxId: string): boolean {
  const lane = lanes.get(toolboxId)
  return lane !== undefined && lane.busy >= MAX_CALLS && Date.now() - lane.begunAt > STUCK_MS
}

const probing = new Map<string, number>()

/** Runs the probe of a job step unless three of them are under way at this toolbox: then it throws LaneFull. */
export async function inProbeLane<T>(toolboxId: string, work: () => Promise<T>): Promise<T> {
  const busy = probing.get(toolboxId) ?? 0
  if (busy >= MAX_PROBES) throw new LaneFull(`${MAX_PROBES} probes at toolbox ${toolboxId} are under way`)
  probing.set(toolboxId, busy + 1)
  try {
    return await work()
  } finally {
    const left = (probing.get(toolboxId) ?? 1) - 1
    if (left === 0) probing.delete(toolboxId)
    else probing.set(toolboxId, left)
  }
}
