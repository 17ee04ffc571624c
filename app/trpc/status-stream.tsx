'use client'

import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { trpc } from '#app/trpc/client.ts'
import { endSession } from '#app/trpc/end-session.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { createInvalidator } from '#app/trpc/invalidate.ts'
import type { StreamMessage } from '#contracts/events.ts'

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'paused'

const StreamStateContext = createContext<StreamState>('connecting')
export const useStreamState = (): StreamState => useContext(StreamStateContext)

/** A glance at another tab should not cost a reconnect. */
const PAUSE_AFTER_MS = 3_000
/** Pages without a query that has a cursor start the stream from now. */
const CURSOR_WAIT_MS = 1_000
const RESTART_MS = 3_000

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
    const later = (ms: number, run: () => void) => {
      clearTimeout(timer)
      timer = setTimeout(run, ms)
    }

    const close = () => {
      stream?.unsubscribe()
      stream = undefined
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
            setState('live')
            if (data.kind === 'event') invalidator.push(data.event)
            else if (data.kind === 'reset' || refetch) void queryClient.invalidateQueries()
            refetch = false
          },
          onConnectionStateChange({ state: next }) {
            if (next === 'connecting') setState((now) => (now === 'live' ? 'reconnecting' : now))
          },
          onError(error) {
            stream = undefined
            if (readFailure(error).code === 'UNAUTHENTICATED') return void endSession()
            // A refused cursor is of no more use: start from now and fetch everything anew.
            cursor = undefined
            setState('reconnecting')
            later(RESTART_MS, () => open(true))
          },
          onComplete() {
            stream = undefined
            setState('reconnecting')
            later(RESTART_MS, () => open(!cursor))
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
    if (!stream) later(CURSOR_WAIT_MS, () => open(true))

    document.addEventListener('visibilitychange', onVisibility)
    window.addEventListener('pagehide', onPageHide)
    window.addEventListener('pageshow', onVisibility)
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      window.removeEventListener('pagehide', onPageHide)
      window.removeEventListener('pageshow', onVisibility)
      unwatch()
      clearTimeout(timer)
      invalidator.stop()
      close()
    }
  }, [utils, queryClient])

  return <StreamStateContext.Provider value={state}>{children}</StreamStateContext.Provider>
}
