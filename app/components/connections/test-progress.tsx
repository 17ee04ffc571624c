'use client'

import { Check, CircleDashed, LoaderCircle, X } from 'lucide-react'
import { cn } from '#app/components/ui/cn.ts'
import { formatDuration, formatLatency } from '#app/components/ui/format.ts'
import { useNow } from '#app/components/ui/use-now.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { ConnectionTest, TestAttempt } from '#contracts/agents.ts'

const STAGES = [
  { name: 'connect', label: 'Reach the server' },
  { name: 'initialize', label: 'MCP handshake' },
  { name: 'tools', label: 'Read its tools' },
] as const

const icons = { passed: Check, failed: X, running: LoaderCircle, waiting: CircleDashed } as const
const inks = { passed: 'text-ok', failed: 'text-bad', running: 'text-info', waiting: 'text-muted' } as const

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
        {STAGES.map(({ name, label }) => {
          const stage = attempt.stages.find((one) => one.name === name)
          const state = stage?.state ?? 'waiting'
          const Icon = icons[state]
          return (
            <li key={name} className={cn('flex items-center gap-2.5 text-sm', inks[state])}>
              <Icon aria-hidden className={cn('size-4 shrink-0', state === 'running' && 'animate-spin')} />
              <span className={cn('flex-1', state === 'passed' && 'text-ink')}>
                {label}
                <span className="sr-only">, {state}</span>
              </span>
              {stage?.ms === null || stage === undefined ? null : (
                <span className="text-[0.8125rem] text-muted tabular-nums">{formatLatency(stage.ms)}</span>
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
  const label = STAGES.find(({ name }) => name === stage?.name)?.label
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
