'use client'

import { Check, CircleDashed, LoaderCircle, X } from 'lucide-react'
import { stepsOf } from '#app/components/servers/deployment-steps.ts'
import { isEnded } from '#app/components/servers/server-state.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { formatDuration, formatWhole } from '#app/components/ui/format.ts'
import { useNow } from '#app/components/ui/use-now.ts'
import type { Deployment } from '#contracts/deployments.ts'

const icons = { done: Check, current: LoaderCircle, failed: X, waiting: CircleDashed } as const
const looks = {
  done: 'border-ok/40 bg-ok-soft text-ok',
  current: 'border-info/50 bg-info-soft text-info',
  failed: 'border-bad/50 bg-bad-soft text-bad',
  waiting: 'border-line bg-surface text-muted',
} as const
const words = { done: 'done', current: 'in progress', failed: 'failed', waiting: 'not started' } as const

function estimate(deployment: Deployment, now: number): string {
  const known = deployment.estimate
  if (!known) return 'Ready in: unknown, this is the first deployment of this source here.'
  const { medianMs, p90Ms, samples } = known
  const passed = now - Date.parse(deployment.createdAt)
  const left =
    passed < medianMs
      ? `Ready in about ${formatWhole(medianMs - passed)}.`
      : passed < p90Ms
        ? 'Ready at any moment.'
        : 'Taking longer than earlier deployments did.'
  const usual =
    samples === 1
      ? `The last deployment of this source took ${formatWhole(medianMs)}.`
      : `Half of the last ${samples} deployments of this source took up to ${formatWhole(medianMs)}, nine in ten up to ${formatWhole(p90Ms)}.`
  return `${left} ${usual}`
}

/** The real phases of a deployment with their durations; live while it goes on. */
export function DeploymentProgress({ deployment }: { deployment: Deployment }) {
  const ended = isEnded(deployment.state)
  const now = useNow(ended ? null : 500)
  const steps = stepsOf(deployment, now)
  const current = steps.find((step) => step.state === 'current')
  const total =
    (deployment.finishedAt ? Date.parse(deployment.finishedAt) : now) - Date.parse(deployment.createdAt)
  return (
    <div>
      <p className="sr-only" role="status" aria-live="polite">
        {current
          ? `${current.label}${current.phases.at(-1) ? `: ${current.phases.at(-1)}` : ''}`
          : `Deployment ${deployment.state === 'live' ? 'is live' : deployment.state.replace('_', ' ')}`}
      </p>
      <ol aria-label="Phases" className="grid">
        {steps.map((step, index) => {
          const Icon = icons[step.state]
          return (
            <li key={step.name} className="relative flex gap-3.5 pb-4 last:pb-0">
              {index < steps.length - 1 ? (
                <span
                  aria-hidden
                  className={cn(
                    'absolute top-7 bottom-0 left-3.5 w-px -translate-x-1/2',
                    step.state === 'done' ? 'bg-ok/45' : 'bg-line',
                  )}
                />
              ) : null}
              <span
                className={cn(
                  'grid size-7 shrink-0 place-items-center rounded-full border',
                  looks[step.state],
                )}
              >
                <Icon aria-hidden className={cn('size-4', step.state === 'current' && 'animate-spin')} />
                <span className="sr-only">{words[step.state]}</span>
              </span>
              <div className="min-w-0 flex-1 pt-0.5">
                <p className="flex items-baseline justify-between gap-3">
                  <span
                    className={cn(
                      'font-medium',
                      step.state === 'waiting' && 'text-muted',
                      step.state === 'failed' && 'text-bad',
                    )}
                  >
                    {step.label}
                  </span>
                  {step.ms === null ? null : (
                    <span className="shrink-0 text-[0.8125rem] text-muted tabular-nums">
                      {formatDuration(step.ms)}
                    </span>
                  )}
                </p>
                {step.phases.map((phase) => (
                  <p key={phase} className="text-[0.8125rem] break-words text-muted">
                    {phase}
                  </p>
                ))}
              </div>
            </li>
          )
        })}
      </ol>
      <p className="mt-4 flex flex-wrap justify-between gap-x-4 border-t border-line pt-3 text-[0.8125rem] text-muted">
        <span>{ended ? '' : estimate(deployment, now)}</span>
        <span className="tabular-nums">{formatDuration(total)} in total</span>
      </p>
    </div>
  )
}
