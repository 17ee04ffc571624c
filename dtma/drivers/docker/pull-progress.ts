import { z } from 'zod'

/** A line of the engine's answer to a pull; others, and other fields, do not matter here. */
const PullLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional() }).optional(),
  error: z.string().optional(),
})

const DONE = new Set(['Pull complete', 'Already exists'])

/** Reads the engine's progress and says how far it is; numbers never fall. */
export type PullProgress = {
  /** Takes one message in and answers the phase, null while there is nothing to say. Throws with the engine's words. */
  read(message: unknown): string | null
}

export function createPullProgress(): PullProgress {
  const layers = new Map<string, { done: boolean; bytes: number }>()
  return {
    read(message) {
      const parsed = PullLine.safeParse(message)
      if (!parsed.success) return null
      const { id, status = '', progressDetail, error } = parsed.data
      if (error !== undefined) throw new Error(error)
      // "Pulling from" and "Digest" lines carry the tag in place of a layer.
      if (id === undefined || !/^[0-9a-f]{12}$/.test(id)) return null
      const layer = layers.get(id) ?? { done: false, bytes: 0 }
      if (DONE.has(status)) layer.done = true
      if (status === 'Downloading') layer.bytes = Math.max(layer.bytes, progressDetail?.current ?? 0)
      layers.set(id, layer)
      const all = [...layers.values()]
      const done = all.filter((one) => one.done).length
      const megabytes = Math.floor(all.reduce((sum, one) => sum + one.bytes, 0) / 1e6)
      return `Pulling the image: ${done} of ${all.length} layers, ${megabytes} MB`
    },
  }
}
