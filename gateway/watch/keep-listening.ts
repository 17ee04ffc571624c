import { setTimeout as delay } from 'node:timers/promises'
import { listenOnce } from './channel.ts'
import { type ChannelInput, NoStreamError } from './channel-input.ts'

/** Between two attempts, milliseconds: doubled with each that fails. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A server without a stream may be another version of itself by then, milliseconds. */
const NO_STREAM_WAIT_MS = 5 * 60_000

export interface Listening {
  /** Resolves when the first attempt is open or has failed. */
  ready: Promise<void>
  /** Tries again now if it waits to. */
  wake: () => void
  stop: () => void
}

/** Listens until stopped, and again whenever the stream ends. `onReopen`: something may have been missed meanwhile. */
export function keepListening(
  input: Omit<ChannelInput, 'signal' | 'onOpen'> & { onReopen?: () => void },
): Listening {
  const stopping = new AbortController()
  const ready = Promise.withResolvers<void>()
  const { signal } = stopping
  let waiting: AbortController | null = null

  /** What goes wrong with one attempt is left to the next. */
  async function attempt(onOpen: () => void): Promise<'ended' | 'changed' | 'no stream'> {
    try {
      return await listenOnce({ ...input, signal, onOpen })
    } catch (error) {
      return error instanceof NoStreamError ? 'no stream' : 'ended'
    }
  }

  async function run(): Promise<void> {
    let wait = FIRST_WAIT_MS
    let wasOpen = false
    while (!signal.aborted) {
      const how = await attempt(() => {
        wait = FIRST_WAIT_MS
        if (wasOpen) input.onReopen?.()
        wasOpen = true
        ready.resolve()
      })
      ready.resolve()
      if (signal.aborted) return
      if (how === 'changed') continue
      waiting = new AbortController()
      const woken = AbortSignal.any([signal, waiting.signal])
      const ms = how === 'no stream' ? NO_STREAM_WAIT_MS : wait
      await delay(ms, undefined, { signal: woken, ref: false }).catch(() => {})
      waiting = null
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }
  void run()
  return { ready: ready.promise, wake: () => waiting?.abort(), stop: () => stopping.abort() }
}
