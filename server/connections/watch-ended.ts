import { logger } from '#server/logger.ts'

const POLL_MS = 500

/**
 * A signal that is aborted soon after `hasEnded` answers true: somebody cancelled what goes on here, perhaps in another process.
 * Call `stop` when it is over.
 */
export function watchEnded(hasEnded: () => Promise<boolean>): AbortController & { stop: () => void } {
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    // A database that is away for a moment ends nothing.
    const ended = await hasEnded().catch((error: unknown) => {
      logger.debug({ err: error }, 'not known whether the test was cancelled')
      return false
    })
    if (ended) stopping.abort()
    else if (timer) timer = setTimeout(() => void look(), POLL_MS)
  }
  timer = setTimeout(() => void look(), POLL_MS)
  return Object.assign(stopping, {
    stop: () => {
      clearTimeout(timer)
      timer = undefined
    },
  })
}
