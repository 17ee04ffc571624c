import { z } from 'zod'
import { redis, redisKey } from '#server/redis.ts'

/** What is kept outside of the database of how far it had come, to see when it is set back. */
const Witness = z.object({ installationId: z.string(), epoch: z.string(), turns: z.coerce.bigint() })

export interface ReaperTurn {
  readonly installationId: string
  readonly epoch: string
  /** Counts up with every turn. */
  readonly turns: bigint
}

const key = () => redisKey('reaper', 'witness')

/**
 * Whether this is an older database than the one whose reaper ran last, or another. An emptied Redis knows nothing; then droplets
 * that the database cannot have made still give it away.
 */
export async function isSetBack(turn: ReaperTurn): Promise<boolean> {
  const text = await redis().get(key())
  if (text === null) return false
  const seen = Witness.safeParse(JSON.parse(text))
  if (!seen.success) return false
  const { installationId, epoch, turns } = seen.data
  return installationId !== turn.installationId || epoch !== turn.epoch || turns >= turn.turns
}

export async function noteTurn({ installationId, epoch, turns }: ReaperTurn): Promise<void> {
  await redis().set(key(), JSON.stringify({ installationId, epoch, turns: String(turns) }))
}
