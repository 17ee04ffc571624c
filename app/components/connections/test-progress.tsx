'use client'

import { Check, CircleDashed, LoaderCircle, TriangleAlert, X } from 'lucide-react'
import { cn } from '#app/components/ui/cn.ts'
import { formatDuration, formatLatency } from '#app/components/ui/format.ts'
import { useNow } from '#app/components/ui/use-now.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { ConnectionTest, TestAttempt } from '#contracts/agents.ts'
import { PROBE_STAGE_LABELS, ProbeStage } from '#contracts/probe.ts'

const icons = {
  passed: Check,
  warned: TriangleAlert,
  failed: X,
  running: LoaderCircle,
  waiting: CircleDashed,
} as const
const inks = {
  passed: 'text-ok',
  warned: 'text-warn',
  failed: 'text-bad',
  running: 'text-info',
  waiting: 'text-muted',
} as const
/** Of tests of older versions. */
const FORMER_LABELS: Readonly<Record<string, string>> = { initialize: 'MCP handshake' }

function labelOf(name: string): string {
  const known = ProbeStage.safeParse(name)
  return known.success ? PROBE_STAGE_LABELS[known.data] : (FORMER_LABELS[name] ?? name)
}

/** What was reported, and what may still come while the attempt goes on: what was passed over is not part of this server. */
function stagesOf(attempt: TestAttempt, live: boolean) {
  const known: readonly string[] = ProbeStage.options
  const latest = Math.max(-1, ...attempt.stages.map(({ name }) => known.indexOf(name)))
  const ahead = live ? known.slice(latest + 1) : []
  return [...attempt.stages, ...ahead.map((name) => ({ name, state: 'waiting', ms: null }) as const)]
}

/** Countdown to the next attempt, from what is known of when this one began and how long it took. */
function Wait({ attempt }: { attempt: TestAttempt }) {
  const now = useNow(200)
  if (attempt.retryInMs === null) return null
  const took = attempt.stages.reduce((sum, stage) => sum + (stage.ms ?? 0), 0)
  const left = Date.parse(attempt.startedAt) + took + attempt.retryInMs - now
  return (
    <p className="mt-1.5 text-[0.8125rem] text-muted tabular-nums">
      {left > 0 ? `Trying again in ${formatDuration(left)}` : 'Trying again'}
    </p>
  )
}

function Attempt({ attempt, max, last }: { attempt: TestAttempt; max: number; last: boolean }) {
  return (
    <li className="rounded-xl border border-line px-4 py-3">
      <p className="mb-2 text-[0.8125rem] font-medium text-muted">
        Attempt {attempt.number} of {max}
      </p>
      <ol className="grid gap-1.5">
        {stagesOf(attempt, last && attempt.failure === null).map(({ name, state, ms }) => {
          const Icon = icons[state]
          return (
            <li key={name} className={cn('flex items-center gap-2.5 text-sm', inks[state])}>
              <Icon aria-hidden className={cn('size-4 shrink-0', state === 'running' && 'animate-spin')} />
              <span className={cn('flex-1', (state === 'passed' || state === 'warned') && 'text-ink')}>
                {labelOf(name)}
                <span className="sr-only">, {state}</span>
              </span>
              {ms === null ? null : (
                <span className="text-[0.8125rem] text-muted tabular-nums">{formatLatency(ms)}</span>
              )}
            </li>
          )
        })}
      </ol>
      {attempt.failure ? (
        <p className="mt-2 text-[0.8125rem] text-bad">{describeFailure(attempt.failure).text}</p>
      ) : null}
      {last ? <Wait attempt={attempt} /> : null}
      {!last && attempt.retryInMs !== null ? (
        <p className="mt-1.5 text-[0.8125rem] text-muted">Then waited {formatDuration(attempt.retryInMs)}</p>
      ) : null}
    </li>
  )
}

function announcement(test: ConnectionTest): string {
  if (test.state === 'passed') return 'The test passed.'
  if (test.state === 'cancelled') return 'The test was cancelled.'
  if (test.failure) return `The test failed. ${describeFailure(test.failure).text}`
  const attempt = test.attempts.at(-1)
  const stage = attempt?.stages.find((one) => one.state === 'running')
  const label = stage && labelOf(stage.name)
  if (!attempt) return 'Waiting for the test to begin.'
  return `Attempt ${attempt.number} of ${test.maxAttempts}${label ? `: ${label}` : ''}`
}

/** A connection test as it goes on: each attempt, its stages with their times, and the wait before the next. */
export function TestProgress({ test }: { test: ConnectionTest | undefined }) {
  return (
    <div>
      <p role="status" aria-live="polite" className="sr-only">
        {test ? announcement(test) : 'Starting the test.'}
      </p>
      {!test || test.attempts.length === 0 ? (
        <p className="flex items-center gap-2.5 rounded-xl border border-line px-4 py-4 text-sm text-muted">
          <LoaderCircle aria-hidden className="size-4 animate-spin" />
          Waiting for the test to begin
        </p>
      ) : (
        <ol aria-label="Attempts" className="grid gap-2.5">
          {test.attempts.map((attempt, index) => (
            <Attempt
              key={attempt.number}
              attempt={attempt}
              max={test.maxAttempts}
              last={index === test.attempts.length - 1 && test.finishedAt === null}
            />
          ))}
        </ol>
      )}
    </div>
  )
}
