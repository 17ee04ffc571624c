'use client'

import { useEffect, useState } from 'react'
import { trpc } from '#app/trpc/client.ts'
import { readFailure, type ShownFailure } from '#app/trpc/failure.ts'
import type { ConnectionTest, TestConnection } from '#contracts/agents.ts'

/** Events bring most changes; this is the pace when they do not. */
const POLL_MS = 1_000
/** Three attempts of three stages of 10 s each and the waits between them; past it no worker is there to answer. */
const GIVE_UP_MS = 105_000

const GAVE_UP: ShownFailure = {
  code: 'TEST_UNFINISHED',
  text: 'The test did not come to an end.',
  action: 'Test again. If it stays, ask an admin whether the worker runs.',
  retryable: true,
  fields: {},
  detail: null,
  requestId: null,
  variable: null,
  exitCode: null,
}

const isFinished = (test: ConnectionTest): boolean =>
  test.state === 'passed' || test.state === 'failed' || test.state === 'cancelled'

interface ConnectionTestRun {
  start: (secrets: Pick<TestConnection, 'credentials' | 'headers'>) => void
  /** Ends the test that goes on. */
  cancel: () => void
  cancelling: boolean
  test: ConnectionTest | undefined
  running: boolean
  /** Why no test could be begun or followed, or why none came to an end; the verdict of a test is in `test`. */
  failure: ShownFailure | null
}

/** Starts a test and follows it until it ends, in every way that it can end. */
export function useConnectionTest(agentId: string, serverId: string): ConnectionTestRun {
  const [gaveUp, setGaveUp] = useState(false)
  const begin = trpc.connections.test.useMutation()
  const utils = trpc.useUtils()
  const ending = trpc.connections.cancelTest.useMutation({
    onSuccess: (ended) => utils.connections.testResult.setData({ id: ended.id }, ended),
  })
  const id = begin.data?.id
  const following = trpc.connections.testResult.useQuery(
    { id: id ?? '' },
    {
      enabled: id !== undefined && !gaveUp,
      staleTime: 0,
      retry: 5,
      refetchInterval: ({ state }) => (state.data && isFinished(state.data) ? false : POLL_MS),
    },
  )
  const test = begin.data && (following.data?.id === id ? following.data : begin.data)
  const failed = begin.error ?? (test && !isFinished(test) ? following.error : null)
  const running = begin.isPending || (test !== undefined && !isFinished(test) && !failed && !gaveUp)

  useEffect(() => {
    if (!running) return
    const timer = setTimeout(() => setGaveUp(true), GIVE_UP_MS)
    return () => clearTimeout(timer)
  }, [running])

  return {
    start: (secrets) => {
      setGaveUp(false)
      ending.reset()
      begin.mutate({ agentId, serverId, wait: false, ...secrets })
    },
    cancel: () => {
      if (id !== undefined) ending.mutate({ id })
    },
    cancelling: ending.isPending,
    test,
    running,
    failure: failed || ending.error ? readFailure(failed ?? ending.error) : gaveUp ? GAVE_UP : null,
  }
}
