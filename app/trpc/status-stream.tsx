'use client'

import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { trpc } from '#app/trpc/client.ts'
import { toastConnection } from '#app/trpc/connection-toast.ts'
import { endSession } from '#app/trpc/end-session.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { createInvalidator } from '#app/trpc/invalidate.ts'
import type { StreamMessage } from '#contracts/events.ts'

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'paused'

const StreamStateContext = createContext<StreamState>('connecting')
export const useStreamState = (): StreamState => useContext(StreamStateContext)

/** A glance at another tab should not cost a reconnect. */
const PAUSE_AFTER_MS = 3_000
/** Pages without a query that has a cursor start the stream from now, once their queries have ended or take too long. */
const CURSOR_WAIT_MS = 1_000
const CURSOR_WAITS = 10
/** Waits before a stream that broke, or that the server ended or refused, is opened anew: doubled each time, until one brings something. */
const RESTART_FIRST_MS = 1_000
const RESTART_LONGEST_MS = 15_000

interface Cursor {
  cursor?: unknown
}

/** Keeps one status stream open while the tab is visible, and refetches what its events touch. */
export function StatusStreamProvider({ children }: { children: ReactNode }) {
  const utils = trpc.useUtils()
  const queryClient = useQueryClient()
  const [state, setState] = useState<StreamState>('connecting')

  useEffect(() => {
    const invalidator = createInvalidator(utils)
    /** What the next stream starts from: of the first list query, then of the last message. */
    let cursor: string | undefined
    let stream: { unsubscribe: () => void } | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let restarts = 0
    const later = (ms: number, run: () => void) => {
      clearTimeout(timer)
      timer = setTimeout(run, ms)
    }

    const close = () => {
      stream?.unsubscribe()
      stream = undefined
    }
    const restart = (refetch: boolean) => {
      setState('reconnecting')
      const wait = Math.min(RESTART_LONGEST_MS, RESTART_FIRST_MS * 2 ** restarts)
      restarts += 1
      // Many pages lose the same server at once and should not come back as one.
      later(wait * (0.75 + Math.random() / 2), () => open(refetch))
    }
    const open = (refetch: boolean) => {
      clearTimeout(timer)
      if (stream || document.visibilityState === 'hidden') return
      stream = utils.client.status.stream.subscribe(
        { cursor },
        {
          onData(tracked) {
            const { id, data } = tracked as { id: string; data: StreamMessage }
            cursor = id
            restarts = 0
            setState('live')
            if (data.kind === 'event') {
              invalidator.push(data.event)
              toastConnection(data.event)
            } else if (data.kind === 'reset' || refetch) void queryClient.invalidateQueries()
            refetch = false
          },
          onConnectionStateChange({ state: next, error }) {
            if (next !== 'connecting' || !error) return
            // EventSource would come back every 3 s on the same connection, and so keep a stopping server from its end.
            close()
            restart(!cursor)
          },
          onError(error) {
            stream = undefined
            if (readFailure(error).code === 'UNAUTHENTICATED') return void endSession()
            // A refused cursor is of no more use: start from now and fetch everything anew.
            cursor = undefined
            restart(true)
          },
          onComplete() {
            stream = undefined
            restart(!cursor)
          },
        },
      )
    }

    const onVisibility = () => {
      if (document.visibilityState === 'visible') {
        setState((now) => (now === 'paused' ? 'reconnecting' : now))
        if (stream) clearTimeout(timer)
        else open(!cursor)
      } else {
        later(PAUSE_AFTER_MS, () => {
          close()
          setState('paused')
        })
      }
    }
    const onPageHide = () => {
      close()
      setState('paused')
    }

    // The first showing of a page is no return to it.
    const onPageShow = (event: PageTransitionEvent) => {
      if (event.persisted) onVisibility()
    }

    const offer = (data: unknown) => {
      const offered = (data as Cursor | null | undefined)?.cursor
      if (cursor !== undefined || stream || typeof offered !== 'string') return
      cursor = offered
      open(false)
    }
    for (const query of queryClient.getQueryCache().getAll()) offer(query.state.data)
    const unwatch = queryClient.getQueryCache().subscribe((event) => {
      if (event.type === 'updated' && event.action.type === 'success') offer(event.action.data)
    })
    // Before the page below is there, nothing has been asked yet.
    const isBusy = () => queryClient.isFetching() > 0 || queryClient.getQueryCache().getAll().length === 0
    const awaitCursor = (waits: number) =>
      later(CURSOR_WAIT_MS, () => (waits > 0 && isBusy() ? awaitCursor(waits - 1) : open(true)))
    if (!stream) awaitCursor(CURSOR_WAITS)

    document.addEventListener('visibilitychange', onVisibility)
    window.addEventListener('pagehide', onPageHide)
    window.addEventListener('pageshow', onPageShow)
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      window.removeEventListener('pagehide', onPageHide)
      window.removeEventListener('pageshow', onPageShow)
      unwatch()
      clearTimeout(timer)
      invalidator.stop()
      close()
    }
  }, [utils, queryClient])

  return <StreamStateContext.Provider value={state}>{children}</StreamStateContext.Provider>
}
