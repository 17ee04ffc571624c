'use client'

import { useEffect, useRef, useState } from 'react'
import { addRows, gapAfter, type LogRow } from '#app/components/servers/logs-store.ts'
import { trpc } from '#app/trpc/client.ts'
import { endSession } from '#app/trpc/end-session.ts'
import { describeFailure, readFailure, type ShownFailure } from '#app/trpc/failure.ts'
import type { LogInstance, LogMessage } from '#contracts/logs.ts'

export type LogConnection = 'connecting' | 'live' | 'reconnecting' | 'paused' | 'ended'

export interface LogStream {
  rows: readonly LogRow[]
  instances: LogInstance[]
  connection: LogConnection
  /** Why the toolbox cannot be read, or why the stream has ended. */
  failure: ShownFailure | null
}

/** Lines are shown together that come within this time, so that a chatty server does not busy the page. */
const GATHER_MS = 120
const RESTART_FIRST_MS = 1_000
const RESTART_LONGEST_MS = 15_000
/** A glance at another tab should not cost a reconnect. */
const PAUSE_AFTER_MS = 3_000

const EMPTY: LogStream = { rows: [], instances: [], connection: 'connecting', failure: null }

/**
 * Follows a server's log while the tab is visible; goes on from where it was after every break. Begins
 * anew when server or instance change.
 */
export function useLogStream({
  id,
  instanceId,
}: {
  id: string
  instanceId: string | undefined
}): LogStream & { restart: () => void } {
  const utils = trpc.useUtils()
  const [stream, setStream] = useState<LogStream>(EMPTY)
  const [round, setRound] = useState(0)
  /** Outlives a pause. */
  const cursor = useRef<string | undefined>(undefined)

  // A new server, instance or round begins with nothing.
  useEffect(() => {
    cursor.current = undefined
    setStream(EMPTY)
  }, [id, instanceId, round])

  useEffect(() => {
    let subscription: { unsubscribe: () => void } | undefined
    let restart: ReturnType<typeof setTimeout> | undefined
    let gather: ReturnType<typeof setTimeout> | undefined
    let waiting: LogMessage[] = []
    let restarts = 0
    const set = (change: Partial<LogStream>) => setStream((now) => ({ ...now, ...change }))

    const flush = () => {
      gather = undefined
      const messages = waiting
      waiting = []
      setStream((now) => messages.reduce(receive, { ...now, connection: 'live' }))
    }
    const close = () => {
      subscription?.unsubscribe()
      subscription = undefined
    }
    const again = () => {
      close()
      set({ connection: 'reconnecting' })
      clearTimeout(restart)
      restart = setTimeout(open, Math.min(RESTART_LONGEST_MS, RESTART_FIRST_MS * 2 ** restarts))
      restarts += 1
    }
    function open() {
      if (subscription || document.visibilityState === 'hidden') return
      const after = cursor.current
      subscription = utils.client.servers.followLogs.subscribe(
        { id, ...(instanceId && { instanceId }), ...(after && { after }) },
        {
          onData(tracked) {
            const { id: position, data } = tracked as { id: string; data: LogMessage }
            cursor.current = position
            restarts = 0
            waiting.push(data)
            gather ??= setTimeout(flush, GATHER_MS)
          },
          onConnectionStateChange({ state, error }) {
            if (state === 'connecting' && error) again()
          },
          onError(error) {
            const failure = readFailure(error)
            if (failure.code === 'UNAUTHENTICATED') return void endSession()
            close()
            set({ connection: 'ended', failure })
          },
          onComplete: again,
        },
      )
    }
    const onVisibility = () => {
      clearTimeout(restart)
      if (document.visibilityState === 'visible') open()
      else
        restart = setTimeout(() => {
          close()
          set({ connection: 'paused' })
        }, PAUSE_AFTER_MS)
    }
    document.addEventListener('visibilitychange', onVisibility)
    open()
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      clearTimeout(restart)
      clearTimeout(gather)
      if (waiting.length > 0) flush()
      close()
    }
  }, [utils, id, instanceId, round])

  return { ...stream, restart: () => setRound((now) => now + 1) }
}

function receive(now: LogStream, message: LogMessage): LogStream {
  switch (message.kind) {
    case 'instances':
      return { ...now, instances: message.instances }
    case 'lines':
      return { ...now, rows: addRows(now.rows, message.lines) }
    case 'missed':
      return { ...now, rows: addRows(now.rows, [gapAfter(now.rows, message.instanceId, message.lines)]) }
    case 'state':
      return { ...now, failure: message.failure ? describeFailure(message.failure) : null }
  }
}
