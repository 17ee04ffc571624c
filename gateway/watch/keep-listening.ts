import { setTimeout as delay } from 'node:timers/promises'
import { type ChannelInput, listenOnce, NoStreamError } from './channel.ts'

/** Between two attempts, milliseconds: doubled with each that fails. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A server without a stream may be another version of itself by then, milliseconds. */
const NO_STREAM_WAIT_MS = 5 * 60_000

/**
 * Listens until stopped, and again whenever the stream ends. `onReopen`: something may have been missed meanwhile. `ready` resolves
 * when the first attempt is open or has failed.
 */
export function keepListening(input: Omit<ChannelInput, 'signal' | 'onOpen'> & { onReopen?: () => void }): {
  ready: Promise<void>
  stop: () => void
} {
  const stopping = new AbortController()
  const ready = Promise.withResolvers<void>()
  const { signal } = stopping

  async function run(): Promise<void> {
    let wait = FIRST_WAIT_MS
    let wasOpen = false
    while (!signal.aborted) {
      let noStream = false
      try {
        await listenOnce({
          ...input,
          signal,
          onOpen() {
            wait = FIRST_WAIT_MS
            if (wasOpen) input.onReopen?.()
            wasOpen = true
            ready.resolve()
          },
        })
      } catch (error) {
        noStream = error instanceof NoStreamError
      }
      ready.resolve()
      if (signal.aborted) return
      await delay(noStream ? NO_STREAM_WAIT_MS : wait, undefined, { signal, ref: false }).catch(() => {})
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }
  void run()
  return { ready: ready.promise, stop: () => stopping.abort() }
}
